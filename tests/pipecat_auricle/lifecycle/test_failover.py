"""A service within Pipecat's `ServiceSwitcher`: the framework decides, and no word is lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.service_switcher import (
    ServiceSwitcher,
    ServiceSwitcherStrategyFailover,
)
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import SegmentedSTTService, STTService

from auricle import ReconnectPolicy
from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import SpeechStarted
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import Agent, pcm_frames, running
from tests.support.scripted.script import Refusal
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim, turn_end

QUICK = ReconnectPolicy(attempts=3, first_delay=0.01, max_delay=0.02)
FULL = Refusal(503, retry_after="0")


@pytest.fixture
async def other() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine even the loopback may take a while; a server that is gone is noticed at once all the same."""
    monkeypatch.setattr("pipecat_auricle.recognition.CONNECT_SECONDS", 60.0)
    monkeypatch.setattr("pipecat_auricle.recognition.RESUME_SECONDS", 60.0)


class Segments(SegmentedSTTService):
    """A service of another kind: it transcribes what lies between the start and the stop of the voice detection."""

    def __init__(self) -> None:
        super().__init__(settings=STTSettings(model=None, language=None), ttfs_p99_latency=0.1)

    @property
    def wants_wav_segments(self) -> bool:
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield TranscriptionFrame(f"{np.count_nonzero(np.frombuffer(audio, np.int16))} samples", "", "")


def switcher(*services: STTService) -> ServiceSwitcher[Any]:
    return ServiceSwitcher(list(services), ServiceSwitcherStrategyFailover)


def texts(agent: Agent) -> list[str]:
    return [frame.text for frame in agent.down.frames if isinstance(frame, TranscriptionFrame)]


@pytest.mark.parametrize(
    "refusal", [FULL, Refusal(503, error="restarting: no model is ready"), Refusal(401), Refusal(500)]
)
async def test_a_server_that_refuses_is_left_for_the_next_service(
    server: ScriptedServer, other: ScriptedServer, refusal: Refusal
) -> None:
    """After one attempt: nothing waits for a slot."""
    server.refusals = [refusal] * 1000
    first, second = AuricleSTTService(url=server.url), AuricleSTTService(url=other.url)
    async with running(switcher(first, second)) as agent:
        session = await other.session()
        await agent.vad(speaking=True)
        await agent.speak(0.5)
        await agent.vad(speaking=False)
        finalize = await session.next(Finalize)
        assert session.seconds == pytest.approx(0.5)
        await session.send(final("No waiting.", 0.4, finalize, at=0.5))
        await agent.down.wait_for(TranscriptionFrame)
        assert (first.is_usable, second.is_usable, server.refused) == (False, True, 1)
    assert agent.up.of(ErrorFrame) == []


async def test_a_server_that_does_not_answer_is_left_as_well(
    server: ScriptedServer, other: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before the connection times out."""
    monkeypatch.setattr("pipecat_auricle.recognition.CONNECT_SECONDS", 0.1)
    server.answering.clear()
    first, second = AuricleSTTService(url=server.url, connect_timeout=600.0), AuricleSTTService(url=other.url)
    async with running(switcher(first, second)) as agent:
        session = await other.session()
        await agent.speak(0.4)
        await session.until(lambda: session.seconds >= 0.38)
        assert (first.is_usable, second.is_usable) == (False, True)


async def test_a_server_that_dies_in_mid_utterance_loses_no_word(other: ScriptedServer) -> None:
    """What had no final is heard by the next service; it passes on no frame twice."""
    async with AsyncExitStack() as dying:
        server = await dying.enter_async_context(ScriptedServer())
        services = AuricleSTTService(url=server.url), AuricleSTTService(url=other.url)
        async with running(switcher(*services)) as agent:
            first, second = await server.session(), await other.session()
            await agent.vad(speaking=True)
            await agent.speak(0.4)
            await first.until(lambda: first.seconds >= 0.38)
            await first.send(final("One", 0.2), interim("two", 0.38))
            await agent.down.wait_for(InterimTranscriptionFrame)
            await dying.aclose()
            await agent.speak(0.2)
            await agent.vad(speaking=False)
            finalize = await second.next(Finalize)
            assert second.seconds == pytest.approx(0.4)
            await second.send(final("two three.", 0.4, finalize))
            assert (await agent.down.wait_for(TranscriptionFrame, lambda frame: frame.text != "One")).finalized
    assert texts(agent) == ["One", "two three."]
    assert len(agent.down.of(InputAudioRawFrame)) == 30
    assert len(agent.down.of(VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame)) == 2
    assert agent.up.of(ErrorFrame) == []


async def test_a_server_that_fills_up_in_mid_call_is_left(server: ScriptedServer, other: ScriptedServer) -> None:
    """Its slot went to somebody else; the words that it took are not lost with it."""
    async with running(switcher(AuricleSTTService(url=server.url), AuricleSTTService(url=other.url))) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(0.4)
        await session.until(lambda: session.seconds >= 0.38)
        await session.fail("server_full", "its slot was needed")
        second = await other.session()
        await second.until(lambda: second.seconds >= 0.38)
        await agent.vad(speaking=False)
        await second.next(Finalize)
        assert second.seconds == pytest.approx(0.4)
    assert agent.up.of(ErrorFrame) == []


async def test_a_final_that_a_server_owes_comes_from_the_next(other: ScriptedServer) -> None:
    """The user has stopped, and says nothing more that would make the next service answer."""
    async with AsyncExitStack() as dying:
        server = await dying.enter_async_context(ScriptedServer())
        services = AuricleSTTService(url=server.url), AuricleSTTService(url=other.url)
        async with running(switcher(*services)) as agent:
            first, second = await server.session(), await other.session()
            await agent.vad(speaking=True)
            await agent.speak(0.4)
            await agent.vad(speaking=False)
            await first.next(Finalize)
            await dying.aclose()
            finalize = await second.next(Finalize)
            assert second.seconds == pytest.approx(0.4)
            await second.send(final("Hello.", 0.3, finalize, at=0.4))
            assert (await agent.down.wait_for(TranscriptionFrame)).finalized


async def test_a_turn_of_the_servers_goes_on_at_the_next_service(other: ScriptedServer) -> None:
    async with AsyncExitStack() as dying:
        server = await dying.enter_async_context(ScriptedServer())
        services = [AuricleSTTService(url=each.url, turn_detection="server") for each in (server, other)]
        async with running(switcher(*services)) as agent:
            first, second = await server.session(), await other.session()
            await agent.speak(0.4)
            await first.until(lambda: first.seconds >= 0.38)
            await first.send(SpeechStarted(start=0.1), interim("one", 0.38))
            await agent.down.wait_for(InterimTranscriptionFrame)
            await dying.aclose()
            await second.until(lambda: second.seconds >= 0.38)
            await second.send(SpeechStarted(start=0.1), final("One.", 0.38, at=0.9), turn_end("One.", 0.9))
            await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    assert texts(agent) == ["One."]
    assert agent.down.of(ProposedUserStartedSpeakingFrame)


@pytest.mark.parametrize("cut", ["speaking", "stopped"])
async def test_the_next_service_may_be_of_any_kind(cut: str) -> None:
    speech = pcm_frames(np.ones(8000, np.int16))
    async with AsyncExitStack() as dying:
        server = await dying.enter_async_context(ScriptedServer())
        async with running(switcher(AuricleSTTService(url=server.url), Segments())) as agent:
            session = await server.session()
            await agent.vad(speaking=True)
            await agent.send(*speech)
            await session.until(lambda: session.seconds >= 0.48)
            if cut == "stopped":
                await agent.vad(speaking=False)
                await session.next(Finalize)
            await dying.aclose()
            if cut == "speaking":
                await agent.send(*speech)
                await agent.vad(speaking=False)
            text = (await agent.down.wait_for(TranscriptionFrame)).text
    assert text == ("8000 samples" if cut == "stopped" else "16000 samples")
    assert len(agent.down.of(VADUserStartedSpeakingFrame)) == 1


async def test_a_connection_that_comes_back_at_once_is_no_reason_to_switch(
    server: ScriptedServer, other: ScriptedServer
) -> None:
    first, second = AuricleSTTService(url=server.url, reconnect=QUICK), AuricleSTTService(url=other.url)
    async with running(switcher(first, second)) as agent:
        session = await server.session()
        await agent.speak(0.4)
        await session.until(lambda: session.seconds >= 0.38)
        session.cut()
        session = await server.session()
        await session.send(final("Still here.", 0.2))
        await agent.down.wait_for(TranscriptionFrame)
        assert first.is_usable
    assert agent.up.of(ErrorFrame) == []


async def test_a_service_in_reserve_waits_for_a_slot_and_takes_over_at_once(other: ScriptedServer) -> None:
    """It was full at the start, and would try again in a minute."""
    other.refusals = [Refusal(503, retry_after="60")]
    async with AsyncExitStack() as dying:
        server = await dying.enter_async_context(ScriptedServer())
        first, second = AuricleSTTService(url=server.url), AuricleSTTService(url=other.url)
        async with running(switcher(first, second)) as agent:
            session = await server.session()
            await agent.vad(speaking=True)
            await agent.speak(0.4)
            await session.until(lambda: session.seconds >= 0.38)
            assert (second.is_usable, other.refused) == (True, 1)
            await dying.aclose()
            await agent.vad(speaking=False)
            session = await other.session()
            await session.send(final("Here.", 0.4, await session.next(Finalize)))
            await agent.down.wait_for(TranscriptionFrame)
            assert session.seconds == pytest.approx(0.4)


async def test_without_another_service_what_was_shown_is_final_and_the_error_is_told() -> None:
    async with AsyncExitStack() as dying:
        server = await dying.enter_async_context(ScriptedServer())
        async with running(switcher(AuricleSTTService(url=server.url))) as agent:
            session = await server.session()
            await agent.speak(0.4)
            await session.send(interim("half a", 0.38))
            await agent.down.wait_for(InterimTranscriptionFrame)
            await dying.aclose()
            assert (await agent.down.wait_for(TranscriptionFrame)).text == "half a"
    assert len(agent.up.of(ErrorFrame)) == 1
