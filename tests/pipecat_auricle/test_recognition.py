"""What the pipeline is told, and when stalled words are finalized; with a fake connection."""

from __future__ import annotations

import asyncio

import pytest
from loguru import logger
from pipecat.frames.frames import (
    InterimTranscriptionFrame,
    ProposedUserStoppedSpeakingFrame,
    STTMuteFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.utils.errors import ErrorCategory

from auricle.errors import ConnectionFailed
from auricle.events import Connected, Reconnecting, StreamEvent
from auricle.protocol.client_messages import End, Finalize, Update
from auricle.protocol.server_messages import Error, Ready
from pipecat_auricle.frames import ConnectionChanged, FinalRequested, Output, Problem
from pipecat_auricle.live_settings import LiveSettings
from pipecat_auricle.recognition import Recognition
from pipecat_auricle.settings import AuricleSTTSettings, TurnDetection
from pipecat_auricle.transcription_state import TranscriptionState
from tests.support.scripted.script import PATIENCE, READY
from tests.support.server_events import final, interim

LOST = ConnectionFailed("lost", "it broke")


class FakeConnection:
    """Returns the events of the test, and records what is sent."""

    def __init__(self, *events: StreamEvent | Exception) -> None:
        self.ready: Ready | None = READY
        self.over = False
        self.last_audio_at = 0.0
        self.sent: list[object] = []
        self.queue: asyncio.Queue[StreamEvent | Exception] = asyncio.Queue()
        for event in events:
            self.queue.put_nowait(event)

    @property
    def is_open(self) -> bool:
        return not self.over

    @property
    def events(self) -> FakeConnection:
        return self

    async def __anext__(self) -> StreamEvent:
        event = await self.queue.get()
        if isinstance(event, Exception):
            raise event
        return event

    def connected(self, event: Connected) -> Ready:
        self.ready = READY
        return READY

    def reconnecting(self, event: Reconnecting) -> bool:
        return event.attempt == 1

    def send_audio(self, pcm: bytes) -> None:
        self.sent.append(pcm)

    async def send(self, message: Update | Finalize | End) -> bool:
        self.sent.append(message)
        return not self.over

    async def aclose(self) -> None:
        self.over = True


def recognition(
    connection: FakeConnection, detection: TurnDetection = "vad", stall_timeout: float = 9.0, **given: object
) -> Recognition:
    settings = LiveSettings(AuricleSTTSettings(**given), detection)  # type: ignore[arg-type]  # a test's own
    state = TranscriptionState(settings.turn)
    return Recognition(connection, state, settings, stall_timeout)  # type: ignore[arg-type]  # as far as it is used


async def outputs(made: Recognition, count: int) -> list[Output]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(made) for _ in range(count)]


async def test_the_connection_is_reported_when_it_changes() -> None:
    connection = FakeConnection(Connected(0.0), Reconnecting(2, 0.1, LOST), Reconnecting(3, 0.1, LOST), Connected(0.0))
    made = recognition(connection)
    assert await outputs(made, 3) == [ConnectionChanged(READY), ConnectionChanged(None), ConnectionChanged(READY)]
    assert await made.aclose() == [ConnectionChanged(None)]


async def test_an_attempt_that_is_reported_is_a_problem() -> None:
    made = recognition(FakeConnection(Reconnecting(1, 0.1, LOST)))
    assert await outputs(made, 1) == [Problem("it broke", ErrorCategory.CONNECTIVITY, LOST)]


async def test_a_failed_stream_ends_the_outputs_with_the_words_that_were_shown() -> None:
    made = recognition(FakeConnection(Connected(0.0), interim("half a", 0.2), LOST))
    told = await outputs(made, 5)
    assert [type(output) for output in told] == [
        ConnectionChanged,
        InterimTranscriptionFrame,
        TranscriptionFrame,
        ConnectionChanged,
        Problem,
    ]
    assert told[-1] == Problem("it broke", ErrorCategory.CONNECTIVITY, LOST, permanent=True)
    with pytest.raises(StopAsyncIteration):
        await anext(made)


async def test_a_refused_setting_is_the_applications_problem() -> None:
    refusal = Error(code="unsupported_language", fault="client", fatal=False, message="no xx")
    made = recognition(FakeConnection(refusal))
    assert await outputs(made, 1) == [Problem("unsupported_language: no xx", ErrorCategory.APPLICATION)]


async def test_a_notice_is_logged_and_no_problem() -> None:
    """An error frame could make a pipeline change to another service."""
    notice = Error(code="language_needs_adaptation", fault="client", fatal=False, message="fine-tune it")
    refusal = Error(code="unsupported_language", fault="client", fatal=False, message="no xx")
    logged: list[str] = []
    sink = logger.add(logged.append, level="WARNING", format="{message}")
    made = recognition(FakeConnection(notice, refusal))
    assert await outputs(made, 1) == [Problem("unsupported_language: no xx", ErrorCategory.APPLICATION)]
    logger.remove(sink)
    assert logged == ["language_needs_adaptation: fine-tune it\n"]


async def test_a_stop_of_the_voice_detection_requests_the_final() -> None:
    connection = FakeConnection()
    made = recognition(connection)
    assert await made.follow(VADUserStartedSpeakingFrame(), stt_muted=False) == []
    assert await made.follow(VADUserStoppedSpeakingFrame(), stt_muted=False) == [FinalRequested()]
    assert connection.sent == [Finalize("p1")]


async def test_a_mute_finalizes_what_came_before_it() -> None:
    connection = FakeConnection()
    made = recognition(connection, "server")
    await made.follow(STTMuteFrame(mute=True), stt_muted=True)
    await made.follow(STTMuteFrame(mute=True), stt_muted=True)
    assert connection.sent == [Finalize("p1")]


async def test_words_that_the_voice_detection_missed_are_finalized() -> None:
    connection = FakeConnection(interim("hush", 0.2))
    made = recognition(connection, stall_timeout=0.01)
    assert isinstance((await outputs(made, 2))[1], FinalRequested)
    assert connection.sent == [Finalize("p1")]


async def test_a_turn_whose_audio_has_stopped_is_finalized() -> None:
    connection = FakeConnection(interim("well", 0.2))
    made = recognition(connection, "server", stall_timeout=0.01, silence_ms=80)
    assert isinstance((await outputs(made, 3))[2], FinalRequested)
    connection.queue.put_nowait(final("Well", 0.2, Finalize("p1")))
    assert [type(each) for each in await outputs(made, 2)] == [TranscriptionFrame, ProposedUserStoppedSpeakingFrame]


def test_the_patience_is_the_latency_and_the_silence_and_the_timeout() -> None:
    settings = LiveSettings(AuricleSTTSettings(latency_ms=80, turn_mode="semantic", max_silence_ms=2_500), "server")
    state = TranscriptionState(settings.turn)
    made = Recognition(FakeConnection(), state, settings, 1.0)  # type: ignore[arg-type]  # as above
    assert made.patience == 0.08 + 2.5 + 1.0


async def test_an_end_is_waited_for_and_not_for_ever() -> None:
    connection = FakeConnection(Connected(0.0))
    made = recognition(connection)
    await outputs(made, 1)
    await made.finish(0.01)
    assert connection.sent == [End()]
    assert not await made.has_settled(0.0)
