"""Eager ends: an answer begun before the end is certain is kept, or never played."""

from __future__ import annotations

from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    Frame,
    InterimTranscriptionFrame,
    LLMTextFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTMetadataFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
)
from pipecat.transcriptions.language import Language
from pipecat.turns.user_stop import ExactMatch, SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import EagerUserTurnStrategies, ExternalUserTurnStrategies

from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import SpeechStarted, TurnEagerEnd
from auricle.protocol.settings import TurnSettings
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.eager_match import SameWords
from tests.support.adapters.echo_llm import EchoLLM, Question
from tests.support.adapters.pipecat_pipeline import Agent, aggregator, running
from tests.support.scripted.session import Session
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import eager_end, final, interim, resumed, turn_end

EAGER = AuricleSTTService.Settings(silence_ms=800, eager_silence_ms=240)
TURN: tuple[type[Frame], ...] = (
    ProposedUserStartedSpeakingFrame,
    InterimTranscriptionFrame,
    EagerTranscriptionFrame,
    EagerEndOfTurnCancelFrame,
    TranscriptionFrame,
    ProposedUserStoppedSpeakingFrame,
)


def service(server: ScriptedServer, **more: object) -> AuricleSTTService:
    arguments: dict[str, object] = {"url": server.url, "turn_detection": "server", "settings": EAGER, **more}
    return AuricleSTTService(**arguments)  # type: ignore[arg-type]  # a test's own arguments


async def guess(agent: Agent, session: Session, text: str, at: float, *, turn: str | None = None) -> Frame:
    """The speaker pauses after `text`, of the turn `turn`."""
    await session.send(interim(text, at - 0.3), eager_end(turn or text, at))
    return await agent.down.wait_for(EagerTranscriptionFrame)


def answers(agent: Agent) -> list[str]:
    """What the model has answered."""
    return [frame.text for frame in agent.down.frames if isinstance(frame, LLMTextFrame)]


# --- the frames ------------------------------------------------------------------------------------------------------


async def test_a_guess_is_pushed_and_taken_back_and_settled_by_the_end(server: ScriptedServer) -> None:
    async with running(service(server)) as agent:
        session = await server.session()
        assert session.start.turn == TurnSettings("silence", 800, 240)
        await session.send(SpeechStarted(start=0.1))
        frame = await guess(agent, session, "call me", 0.8)
        await session.send(interim("call me back", 1.0), resumed(1.0))
        await agent.down.wait_for(EagerEndOfTurnCancelFrame)
        await guess(agent, session, "call me back", 1.6)
        await session.send(final("call me back", 1.2, at=2.1), turn_end("call me back", 2.1))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert isinstance(frame, EagerTranscriptionFrame)
    assert (frame.text, frame.language) == ("call me", Language.EN_US)
    assert isinstance(frame.result, TurnEagerEnd)
    assert [name for name in agent.down.names(*TURN) if "Interim" not in name] == [
        "ProposedUserStartedSpeakingFrame",
        "EagerTranscriptionFrame",
        "EagerEndOfTurnCancelFrame",
        "EagerTranscriptionFrame",
        "TranscriptionFrame",
        "ProposedUserStoppedSpeakingFrame",
    ]


async def test_without_the_setting_no_guess_is_asked_for(server: ScriptedServer) -> None:
    async with running(service(server, settings=None)) as agent:
        session = await server.session()
        assert session.start.turn.eager_silence_ms is None
        metadata = await agent.down.wait_for(STTMetadataFrame)
        # Eager ends that a server sends unasked are ignored.
        await session.send(SpeechStarted(start=0.1), interim("no", 0.4), eager_end("no", 0.7))
        await session.send(final("no", 0.4, at=0.9), turn_end("no", 0.9))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert type(metadata.user_turn_strategies) is ExternalUserTurnStrategies
    assert not agent.down.of(EagerTranscriptionFrame)


async def test_the_service_recommends_the_strategies_that_answer_a_guess(server: ScriptedServer) -> None:
    async with running(service(server, should_interrupt=False)) as agent:
        strategies = (await agent.down.wait_for(STTMetadataFrame)).user_turn_strategies
    assert isinstance(strategies, EagerUserTurnStrategies)
    assert not strategies.enable_interruptions
    assert isinstance(strategies.match_policy, SameWords)
    exact = service(server, eager_match_policy=ExactMatch()).service_metadata_frame().user_turn_strategies
    assert isinstance(exact, EagerUserTurnStrategies)
    assert isinstance(exact.match_policy, ExactMatch)


async def test_guesses_are_for_the_servers_turns_only(server: ScriptedServer) -> None:
    stt = service(server, turn_detection="vad")
    assert not stt.eager_end_of_turn_enabled
    assert stt.service_metadata_frame().user_turn_strategies is None


# --- what becomes of the answer --------------------------------------------------------------------------------------


async def test_an_answer_begun_early_is_kept_when_the_turn_ends_so(server: ScriptedServer) -> None:
    llm = EchoLLM()
    async with running(service(server), aggregator(), llm) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("Book a table.", 0.5), eager_end("Book a table.", 0.8))
        await llm.asked("Book a table.", speculative=True)
        assert answers(agent) == []
        await session.send(final("Book a table.", 0.5, at=1.3), turn_end("Book a table.", 1.3))
        await agent.down.wait_for(LLMTextFrame)
    assert llm.questions == [Question("Book a table.", speculative=True)]
    assert answers(agent) == ["Book a table."]


async def test_an_answer_begun_too_early_is_never_heard(server: ScriptedServer) -> None:
    llm = EchoLLM()
    async with running(service(server), aggregator(), llm) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("Book", 0.5), eager_end("Book", 0.8))
        await llm.asked("Book", speculative=True)
        await session.send(interim("Book a flight.", 1.1), resumed(1.1))
        await agent.down.wait_for(EagerEndOfTurnCancelFrame)
        await session.send(final("Book a flight.", 1.1, at=1.9), turn_end("Book a flight.", 1.9))
        await agent.down.wait_for(LLMTextFrame)
    assert llm.questions == [Question("Book", speculative=True), Question("Book a flight.", speculative=False)]
    assert answers(agent) == ["Book a flight."]


async def test_a_guess_in_a_long_turn_is_answered_with_all_its_words(server: ScriptedServer) -> None:
    """After finals in mid-turn, the model reads the words with a space between them, and the end still matches."""
    llm = EchoLLM()
    async with running(service(server), aggregator(), llm) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), final("A long story", 60.0, at=60.2))
        await session.send(interim("that ends.", 61.0), eager_end("A long story that ends.", 61.4))
        await llm.asked("A long story that ends.", speculative=True)
        await session.send(final("that ends.", 61.0, at=61.9), turn_end("A long story that ends.", 61.9))
        await agent.down.wait_for(LLMTextFrame)
    assert len(llm.questions) == 1
    assert answers(agent) == ["A long story that ends."]


async def test_strategies_that_the_application_names_win_over_guesses(server: ScriptedServer) -> None:
    llm, user = EchoLLM(), aggregator(stop=SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.01))
    async with running(service(server), user, llm) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.vad(speaking=False)
        await session.send(SpeechStarted(start=0.1), interim("Mine.", 0.5), eager_end("Mine.", 0.8))
        await session.send(final("Mine.", 0.5, at=1.3), turn_end("Mine.", 1.3))
        await agent.down.wait_for(LLMTextFrame)
    assert llm.questions == [Question("Mine.", speculative=False)]


# --- settings --------------------------------------------------------------------------------------------------------


async def test_guesses_are_switched_on_in_a_running_call(server: ScriptedServer) -> None:
    """Pipecat got other strategies at the start; they are renewed where a turn begins, so that no turn is forgotten."""
    llm = EchoLLM()
    async with running(service(server, settings=None), aggregator(), llm) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=EAGER))
        assert (await session.next(Update)).turn == TurnSettings("silence", 800, 240)
        await session.send(SpeechStarted(start=0.1), interim("Now.", 0.5), eager_end("Now.", 0.8))
        await llm.asked("Now.", speculative=True)
        await session.send(final("Now.", 0.5, at=1.3), turn_end("Now.", 1.3))
        await agent.down.wait_for(LLMTextFrame)
        assert len(agent.down.of(STTMetadataFrame)) == 2
    assert len(llm.questions) == 1


async def test_guesses_are_switched_off_and_the_one_under_way_is_taken_back(server: ScriptedServer) -> None:
    async with running(service(server)) as agent:
        session = await server.session()
        await session.send(SpeechStarted(start=0.1))
        await guess(agent, session, "well", 0.8)
        await agent.send(STTUpdateSettingsFrame(delta=AuricleSTTService.Settings(eager_silence_ms=None)))
        assert (await session.next(Update)).turn == TurnSettings("silence", 800, None)
        await agent.down.wait_for(EagerEndOfTurnCancelFrame)
        await session.send(interim("well yes", 1.2), eager_end("well yes", 1.5))
        await session.send(final("well yes", 1.2, at=2.0), turn_end("well yes", 2.0))
        await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert len(agent.down.of(EagerTranscriptionFrame)) == 1
