"""A real pipeline with a real server and a real model."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    LLMContextFrame,
    ProposedUserStartedSpeakingFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
    UserStoppedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy

from auricle.protocol.server_messages import Final
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from pipecat_auricle import AuricleSTTService
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import SAMPLE_RATE, Agent, aggregator, audio, pcm_frames, running
from tests.support.audio.recordings import recording

WORDS = 6


@pytest.fixture
def utterance() -> tuple[tones.Pcm, str]:
    return tones.utterance(seed=3, words=WORDS, trailing=0.4)


def said(frame: LLMContextFrame) -> object:
    message = frame.context.get_messages()[-1]
    assert isinstance(message, dict)
    return message["content"]


async def test_pipecat_decides(tones_server: str, utterance: tuple[tones.Pcm, str]) -> None:
    pcm, text = utterance
    stt = AuricleSTTService(url=tones_server, ttfs_p99_latency=60.0)
    user = aggregator(stop=SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.01))
    async with running(stt, user) as agent:
        for _ in range(2):  # the stream keeps its context, and nothing of the first leaks into the second
            await agent.vad(speaking=True)
            await agent.send(*pcm_frames(pcm))
            await agent.vad(speaking=False)
            assert said(await agent.down.wait_for(LLMContextFrame)) == text
            await agent.down.wait_for(UserStoppedSpeakingFrame)
            await agent.send(*audio(0.5))


async def test_the_server_decides(tones_server: str, utterance: tuple[tones.Pcm, str]) -> None:
    pcm, text = utterance
    settings = AuricleSTTService.Settings(silence_ms=800)
    stt = AuricleSTTService(url=tones_server, turn_detection="server", settings=settings)
    async with running(stt, aggregator()) as agent:
        for _ in range(2):
            await agent.send(*pcm_frames(pcm), *audio(1.2))
            assert said(await agent.down.wait_for(LLMContextFrame)) == text
            await agent.down.wait_for(UserStoppedSpeakingFrame)


async def test_transcripts_carry_words_with_times(tones_server: str, utterance: tuple[tones.Pcm, str]) -> None:
    pcm, text = utterance
    async with running(AuricleSTTService(url=tones_server)) as agent:
        await agent.vad(speaking=True)
        await agent.send(*pcm_frames(pcm))
        await agent.vad(speaking=False)
        transcript = await agent.down.wait_for(TranscriptionFrame)
        shown = [frame.text for frame in agent.down.frames if isinstance(frame, InterimTranscriptionFrame)]
    assert isinstance(transcript.result, Final)
    assert [word.text for word in transcript.result.words] == text.split()
    ends = [word.end for word in transcript.result.words]
    assert ends == sorted(ends)
    assert ends[-1] < len(pcm) / SAMPLE_RATE
    assert all(text.startswith(part) for part in shown)


async def test_a_latency_is_changed_in_the_middle_of_a_turn(
    tones_server: str, utterance: tuple[tones.Pcm, str]
) -> None:
    pcm, text = utterance
    stt = AuricleSTTService(url=tones_server)
    async with running(stt) as agent:
        await agent.vad(speaking=True)
        spoken: list[Frame] = [*pcm_frames(pcm)]
        ready = stt._live_settings.ready
        assert ready is not None
        slowest = ready.latencies_ms[-1]
        change = STTUpdateSettingsFrame(delta=AuricleSTTService.Settings(latency_ms=slowest))
        await agent.send(*spoken[: len(spoken) // 2], change, *spoken[len(spoken) // 2 :])
        await agent.vad(speaking=False)
        assert (await agent.down.wait_for(TranscriptionFrame)).text == text
    assert stt.is_usable
    assert not agent.down.of(ProposedUserStartedSpeakingFrame)
    assert len(agent.down.of(VADUserStoppedSpeakingFrame)) == 1


async def test_key_terms_are_favoured_from_the_start_and_when_they_change() -> None:
    """The demo model recognises "received a side" without the key term."""
    said, terms = "receive the side", ["receive", "side"]
    speech = recording("receive_the_side")

    async def heard(agent: Agent) -> str:
        await agent.vad(speaking=True)
        await agent.send(*pcm_frames(speech))
        await agent.vad(speaking=False)
        text: str = (await agent.down.wait_for(TranscriptionFrame)).text
        return text

    settings = AuricleSTTService.Settings(latency_ms=160, keyterms=terms)
    async with serve_locally(ServerConfig(max_load=0)) as url:
        async with running(AuricleSTTService(url=url, settings=settings)) as agent:
            assert said in await heard(agent)
        plain_settings = AuricleSTTService.Settings(latency_ms=160)
        async with running(AuricleSTTService(url=url, settings=plain_settings)) as agent:
            await agent.send(STTUpdateSettingsFrame(delta=AuricleSTTService.Settings(keyterms=terms)))
            assert said in await heard(agent)
        async with running(AuricleSTTService(url=url, settings=plain_settings)) as agent:
            assert said not in await heard(agent)
