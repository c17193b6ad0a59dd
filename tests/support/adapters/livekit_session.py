"""A real `AgentSession` without a room: paced audio in, a reply of one word out, and a record of what it did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, llm, vad
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.agents.voice import io
from livekit.plugins import auricle

from livekit.plugins.auricle.models import SESSION_FLUSHES
from tests.support.levels import Audio

FRAME_SECONDS = 0.02
needs_flush = pytest.mark.skipif(not SESSION_FLUSHES, reason="sessions flush since LiveKit 1.8.9")


def frames(audio: Audio, seconds: float = FRAME_SECONDS) -> list[rtc.AudioFrame]:
    size = round(audio.rate * seconds)
    return [_frame(audio.samples[at : at + size], audio.rate) for at in range(0, len(audio.samples), size)]


def _frame(samples: np.ndarray, rate: int) -> rtc.AudioFrame:
    return rtc.AudioFrame(samples.tobytes(), rate, 1, len(samples))


class PacedAudio(io.AudioInput):
    """Plays audio at the speed of speech, on an absolute schedule, and then silence."""

    def __init__(self, audio: Audio, frame_seconds: float = FRAME_SECONDS) -> None:
        super().__init__(label="paced")
        self._frames = frames(audio, frame_seconds)
        self._silence = _frame(np.zeros(round(audio.rate * frame_seconds), np.int16), audio.rate)
        self._step = frame_seconds
        self._given = 0
        self.started_at: float | None = None
        self.lateness = 0.0
        self.played = asyncio.Event()

    def wall(self, seconds: float) -> float:
        """The wall-clock time at which this position of the audio was spoken."""
        assert self.started_at is not None
        return self.started_at + seconds

    async def __anext__(self) -> rtc.AudioFrame:
        if self.started_at is None:
            self.started_at = time.time()
        # A frame can only be had when its last sample was spoken.
        self._given += 1
        due = self.started_at + self._given * self._step
        await asyncio.sleep(due - time.time())
        self.lateness = max(self.lateness, time.time() - due)
        if self._given <= len(self._frames):
            return self._frames[self._given - 1]
        self.played.set()
        return self._silence


class EnergyVAD(vad.VAD):
    """Speech is what is loud; speech ends after `silence` seconds of quiet."""

    def __init__(self, silence: float = 0.2) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=FRAME_SECONDS))
        self.silence = silence

    def stream(self) -> vad.VADStream:
        return _EnergyStream(self)


class _EnergyStream(vad.VADStream):
    def __init__(self, owner: EnergyVAD) -> None:
        super().__init__(owner)
        self._needed = owner.silence
        self._speech = self._quiet = self._now = 0.0
        self._speaking = False

    async def _main_task(self) -> None:
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                self._hear(frame)
            else:
                self._speech = self._quiet = 0.0
                self._speaking = False

    def _hear(self, frame: rtc.AudioFrame) -> None:
        loud = bool(np.abs(np.frombuffer(frame.data, np.int16)).max(initial=0) > 1_000)
        self._now += frame.duration
        self._speech, self._quiet = (
            (self._speech + frame.duration, 0.0) if loud else (0.0, self._quiet + frame.duration)
        )
        self._tell(vad.VADEventType.INFERENCE_DONE)
        if loud and not self._speaking:
            self._speaking = True
            self._tell(vad.VADEventType.START_OF_SPEECH)
        elif self._speaking and self._quiet >= self._needed:
            self._speaking = False
            self._tell(vad.VADEventType.END_OF_SPEECH)

    def _tell(self, kind: vad.VADEventType) -> None:
        event = vad.VADEvent(kind, round(self._now * 16_000), self._now, self._speech, self._quiet)
        event.raw_accumulated_speech, event.raw_accumulated_silence = self._speech, self._quiet
        event.speaking = self._speaking
        self._event_ch.send_nowait(event)


class ShortLLM(llm.LLM[None]):
    """Answers every turn with one word, as soon as it may.

    Attributes:
        asked: The user's words of each generation, in order.
        questions: The same, for who waits for one.
        drops: Those of the generations that were cancelled.
        free: Whether answers are given; a generation waits for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.questions: asyncio.Queue[str] = asyncio.Queue()
        self.drops: asyncio.Queue[str] = asyncio.Queue()
        self.free = asyncio.Event()
        self.free.set()

    def chat(self, *, chat_ctx: llm.ChatContext, **given: Any) -> llm.LLMStream:
        return _ShortStream(self, chat_ctx=chat_ctx, tools=[], conn_options=given["conn_options"])


class _ShortStream(llm.LLMStream):
    async def _run(self) -> None:
        owner, question = self._llm, self._chat_ctx.messages()[-1].text_content or ""
        assert isinstance(owner, ShortLLM)
        owner.asked.append(question)
        owner.questions.put_nowait(question)
        try:
            await owner.free.wait()
        except asyncio.CancelledError:
            owner.drops.put_nowait(question)
            raise
        self._event_ch.send_nowait(llm.ChatChunk(id="reply", delta=llm.ChoiceDelta(role="assistant", content="Yes.")))


class WatchedSTT(auricle.STT):
    """Records when each flush was requested and when its final came; for turns that the session detects."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.flushed: list[float] = []
        self.answered: list[float] = []

    def stream(self, **options: Any) -> auricle.SpeechStream:
        return _Watched(super().stream(**options), self).stream

    @property
    def flush_seconds(self) -> list[float]:
        """From each flush to its final."""
        return [final - flush for flush, final in zip(self.flushed, self.answered, strict=False)]


class _Watched:
    def __init__(self, stream: auricle.SpeechStream, notes: WatchedSTT) -> None:
        self.stream, self._notes = stream, notes
        self._flush, self._emit = stream.flush, stream._emit
        stream.flush = self._flushed  # type: ignore[method-assign]
        stream._emit = self._emitted  # type: ignore[method-assign]

    def _flushed(self) -> None:
        self._notes.flushed.append(time.perf_counter())
        self._flush()

    def _emitted(self, events: Iterable[SpeechEvent]) -> None:
        for event in events:
            if event.type is SpeechEventType.FINAL_TRANSCRIPT:
                self._notes.answered.append(time.perf_counter())
            self._emit([event])


@dataclass
class Heard:
    """What a session did, with wall-clock times."""

    audio: PacedAudio
    session: AgentSession[None]
    model: ShortLLM
    turns: list[str] = field(default_factory=list)
    turn_times: list[float] = field(default_factory=list)
    metrics: list[llm.MetricsReport] = field(default_factory=list)
    transcripts: list[tuple[str, bool, str]] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    closed: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def finals(self) -> list[str]:
        return [text for text, final, _ in self.transcripts if final]

    @property
    def interims(self) -> list[str]:
        return [text for text, final, _ in self.transcripts if not final]

    @property
    def settled(self) -> bool:
        """Whether all that was shown is final, and all that is final is in a turn."""
        shown, is_final, _ = self.transcripts[-1] if self.transcripts else ("", True, "")
        return (is_final or not shown) and " ".join(self.turns) == " ".join(filter(None, self.finals))

    @property
    def allowance(self) -> float:
        """Seconds by which something may be late: the more, the more this very machine held the audio itself up."""
        return 0.1 + 3 * self.audio.lateness

    async def until(self, done: Callable[[], bool], timeout: float = 30.0) -> None:
        """Returns as soon as something happened that makes `done` true."""
        async with asyncio.timeout(timeout):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    def listen(self) -> None:
        self.session.on("conversation_item_added", self._on_item)
        self.session.on("user_input_transcribed", self._on_transcript)
        self.session.on("user_state_changed", self._on_state)
        self.session.on("error", self._on_error)
        self.session.on("close", self._on_close)

    def _on_item(self, event: Any) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self.turns.append(event.item.text_content or "")
            self.turn_times.append(time.time())
            self.metrics.append(event.item.metrics)
        self._changed.set()

    def _on_transcript(self, event: Any) -> None:
        self.transcripts.append((event.transcript, event.is_final, event.language))
        self._changed.set()

    def _on_state(self, event: Any) -> None:
        self.states.append(event.new_state)
        self._changed.set()

    def _on_error(self, event: Any) -> None:
        self.errors.append(event.error)
        self._changed.set()

    def _on_close(self, event: Any) -> None:
        self.closed = True
        self._changed.set()


@asynccontextmanager
async def listening(audio: Audio, frame_seconds: float = FRAME_SECONDS, **options: Any) -> AsyncIterator[Heard]:
    """A session that receives `audio`; `options` are the session's."""
    model = ShortLLM()
    session: AgentSession[None] = AgentSession(llm=model, aec_warmup_duration=None, user_away_timeout=None, **options)
    heard = Heard(PacedAudio(audio, frame_seconds), session, model)
    heard.listen()
    try:
        await session.start(agent=Agent(instructions=""))
        session.input.audio = heard.audio
        yield heard
    finally:
        await session.aclose()
