"""Semantic turn detection: its settings, eager ends, and what depends on its longest silence."""

from __future__ import annotations

from dataclasses import replace

from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    LLMTextFrame,
    ProposedUserStoppedSpeakingFrame,
    STTMetadataFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
)
from pipecat.turns.user_turn_strategies import EagerUserTurnStrategies, ExternalUserTurnStrategies

from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import Final, NoWords, SpeechStarted
from auricle.protocol.settings import TurnSettings
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.echo_llm import EchoLLM, Question
from tests.support.adapters.pipecat_pipeline import aggregator, running
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import eager_end, final, interim, resumed, turn_end

Settings = AuricleSTTService.Settings
SEMANTIC = Settings(turn_mode="semantic", end_threshold=0.7, min_silence_ms=240, max_silence_ms=1_500)


def service(server: ScriptedServer, **more: object) -> AuricleSTTService:
    arguments: dict[str, object] = {"url": server.url, "turn_detection": "server", "settings": SEMANTIC, **more}
    return AuricleSTTService(**arguments)  # type: ignore[arg-type]  # a test's own arguments


def asked(**more: float) -> TurnSettings:
    """The turn settings that `SEMANTIC` becomes."""
    return TurnSettings("semantic", end_threshold=0.7, min_silence_ms=240, max_silence_ms=1_500, **more)  # type: ignore[arg-type]  # mode and silences are not in it


async def test_the_stream_starts_with_them(server: ScriptedServer) -> None:
    async with running(service(server)):
        assert (await server.session()).start.turn == asked()


async def test_pipecats_turns_leave_them_without_effect(server: ScriptedServer) -> None:
    stt = service(server, turn_detection="vad", settings=Settings(turn_mode="semantic", eager_threshold=0.3))
    async with running(stt):
        assert (await server.session()).start.turn.mode == "off"
    assert not stt.eager_end_of_turn_enabled


async def test_an_end_after_a_short_silence_is_the_last_of_its_turn(server: ScriptedServer) -> None:
    async with running(service(server)) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), final("Yes.", 0.5, at=0.8), turn_end("Yes.", 0.8))
        assert (await agent.down.wait_for(TranscriptionFrame)).finalized
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)


async def test_a_dictation_is_asked_for_in_the_running_call_and_comes_with_its_transcript(
    server: ScriptedServer,
) -> None:
    async with running(service(server)) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=Settings(expect="digits", max_turn_seconds=30.0)))
        assert await session.next(Update) == Update(turn=replace(asked(), expect="digits", max_turn_seconds=30.0))
        said = replace(final("zero four", 0.5, at=2.2), collected="04", backchannel=0.02)
        await session.send(SpeechStarted(start=0.1), said, NoWords(start=3.0, end=3.5), turn_end("zero four", 2.2))
        frame = await agent.down.wait_for(TranscriptionFrame)
        assert isinstance(frame.result, Final)
        assert (frame.result.collected, frame.result.backchannel) == ("04", 0.02)
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)


async def test_they_change_in_a_running_call(server: ScriptedServer) -> None:
    async with running(service(server, settings=None)) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=SEMANTIC))
        assert await session.next(Update) == Update(turn=asked())
        await agent.send(STTUpdateSettingsFrame(delta=Settings(eager_threshold=0.4)))
        assert await session.next(Update) == Update(turn=asked(eager_threshold=0.4))
        await agent.send(STTUpdateSettingsFrame(delta=Settings(turn_mode="silence", silence_ms=700)))
        assert (await session.next(Update)).turn.mode == "silence"  # type: ignore[union-attr]  # it has one
        assert server.waiting_sessions == 0


async def test_the_stop_of_a_switched_off_microphone_is_waited_for_as_long_as_the_longest_silence(
    server: ScriptedServer,
) -> None:
    stt = service(server, settings=Settings(turn_mode="semantic", silence_ms=80, max_silence_ms=2_500, latency_ms=80))
    async with running(stt) as agent:
        session = await server.session()
        assert stt._recognition is not None
        assert stt._recognition.patience == 0.08 + 2.5 + 1.0
        await agent.send(STTUpdateSettingsFrame(delta=Settings(max_silence_ms=500)))
        await session.next(Update)
        assert stt._recognition.patience == 0.08 + 0.5 + 1.0


# --- guesses ---------------------------------------------------------------------------------------------------------


async def test_the_threshold_of_the_mode_switches_guesses_on(server: ScriptedServer) -> None:
    silent = service(server, settings=Settings(turn_mode="semantic", eager_silence_ms=200))
    assert type(silent.service_metadata_frame().user_turn_strategies) is ExternalUserTurnStrategies
    guessing = service(server, settings=Settings(turn_mode="semantic", eager_threshold=0.3))
    assert isinstance(guessing.service_metadata_frame().user_turn_strategies, EagerUserTurnStrategies)


async def test_an_answer_to_a_guess_is_used_and_to_a_wrong_one_thrown_away(server: ScriptedServer) -> None:
    llm = EchoLLM()
    stt = service(server, settings=Settings(turn_mode="semantic", eager_threshold=0.3))
    async with running(stt, aggregator(), llm) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("Book", 0.5), eager_end("Book", 0.8))
        await llm.asked("Book", speculative=True)
        await session.send(interim("Book a table.", 1.1), resumed(1.1))
        await agent.down.wait_for(EagerEndOfTurnCancelFrame)
        await session.send(eager_end("Book a table.", 1.3))
        await llm.asked("Book a table.", speculative=True)
        await session.send(final("Book a table.", 1.1, at=1.5), turn_end("Book a table.", 1.5))
        await agent.down.wait_for(LLMTextFrame)
    assert llm.questions == [Question("Book", speculative=True), Question("Book a table.", speculative=True)]


async def test_the_mode_changes_who_guesses_from_the_next_turn_on(server: ScriptedServer) -> None:
    """Both modes have a setting of their own; only that of the mode in force counts."""
    settings = Settings(silence_ms=800, eager_silence_ms=240, turn_mode="semantic")
    stt = service(server, settings=settings)
    async with running(stt) as agent:
        session = await server.session()
        await agent.down.wait_for(STTMetadataFrame)
        await agent.send(STTUpdateSettingsFrame(delta=Settings(turn_mode="silence")))
        assert (await session.next(Update)).turn == TurnSettings("silence", 800, 240)
        await session.send(SpeechStarted(start=0.1), interim("Now.", 0.5), eager_end("Now.", 0.8))
        metadata = await agent.down.wait_for(STTMetadataFrame)
        assert isinstance(metadata.user_turn_strategies, EagerUserTurnStrategies)
        await agent.down.wait_for(EagerTranscriptionFrame)


# --- the second pass -------------------------------------------------------------------------------------------------


async def test_finals_are_refined_where_that_is_asked_for_and_say_so(server: ScriptedServer) -> None:
    async with running(service(server, settings=Settings(refine="auto"))) as agent:
        session = await server.session()
        assert session.start.refine == "auto"
        await agent.send(STTUpdateSettingsFrame(delta=Settings(refine="on")))
        assert await session.next(Update) == Update(refine="on")
        refined = Final(text="It is.", start=0.1, end=0.5, language="en-US", settled=0.8, audio_time=1.0, refined=True)
        await session.send(SpeechStarted(start=0.1), refined, turn_end("It is.", 1.0))
        frame = await agent.down.wait_for(TranscriptionFrame)
    assert isinstance(frame.result, Final)
    assert frame.result.refined


async def test_a_guess_that_the_second_pass_corrects_is_taken_back(server: ScriptedServer) -> None:
    llm = EchoLLM()
    stt = service(server, settings=Settings(turn_mode="semantic", eager_threshold=0.3, refine="on"))
    async with running(stt, aggregator(), llm) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("Cook a table.", 0.5), eager_end("Cook a table.", 0.8))
        await llm.asked("Cook a table.", speculative=True)
        await session.send(resumed(1.0), final("Book a table.", 0.5, at=1.0), turn_end("Book a table.", 1.0))
        answer = await agent.down.wait_for(LLMTextFrame)
    assert answer.text == "Book a table."
    assert llm.questions[-1] == Question("Book a table.", speculative=False)
