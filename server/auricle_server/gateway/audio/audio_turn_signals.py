"""What the sound of a stream says, joined to what its decoder says: between the worker's results and the stream.

A chunk's result waits, in order, until what the sound says up to its position is known, so a decision rests on the
audio alone and not on which of the two was faster. A finalize waits for nothing, and nobody waits for ever: what takes
longer than `LATE_SECONDS` is gone on without.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from auricle.protocol.settings import TurnMode
from auricle_server.ipc.columns import ChunkResult
from auricle_server.metrics import Metrics
from auricle_server.turns import VoiceSignals
from auricle_server.voice.audio_analyzer import AudioAnalyzer
from auricle_server.voice.models import ModelFiles, models_of

log = logging.getLogger(__name__)

LATE_SECONDS = 0.25
"""Wall-clock time after which what is still being computed is not waited for: a judgement takes 0.05 s of a core, and a
turn's end that comes later than this is worth less than a worse one now."""
_ALWAYS = ("words", "punctuation")
_SAMPLE_BYTES = 2

Deliver = Callable[[ChunkResult, VoiceSignals | None], int]
_T = TypeVar("_T")


class TurnModelPool:
    """Where the models run for all streams of a gateway.

    Each has threads of its own, which are started when needed, so that a window never waits for a judgement; ONNX
    Runtime computes without the interpreter's lock. A thread of Silero's is enough for some 250 streams.

    Args:
        found: The models.
        metrics: Of the gateway.
        threads: Most for each model; unless set a quarter of the cores.
    """

    def __init__(self, found: ModelFiles, metrics: Metrics, threads: int | None = None) -> None:
        self.found = found
        self.metrics = metrics
        threads = threads or max(1, (os.cpu_count() or 1) // 4)
        self._trackers = ThreadPoolExecutor(threads, "auricle-voice")
        self._judges = ThreadPoolExecutor(threads, "auricle-turns")

    @property
    def signals(self) -> tuple[str, ...]:
        """What turn ends are judged by in semantic mode."""
        return (*_ALWAYS, *self.found.signals)

    def track(self, task: Callable[[], _T]) -> Future[_T]:
        """Runs a task of Silero's."""
        return self._trackers.submit(task)

    def judge(self, task: Callable[[], _T]) -> Future[_T]:
        """Runs a task of Smart Turn's."""
        return self._judges.submit(task)

    async def close(self) -> None:
        """Drops what nobody has begun, and waits for the rest: tenths of a second."""
        for pool in (self._trackers, self._judges):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)


class AudioTurnSignals:
    """One stream's: hands every result on, with what the sound says there while anybody listens.

    Args:
        room: Where the models run; None where there are none.
        deliver: Takes a result, and returns the position on which the last turn's end was decided; raises nothing.
    """

    def __init__(self, room: TurnModelPool | None, deliver: Deliver) -> None:
        self._room = room
        self._deliver = deliver
        self._ears: AudioAnalyzer | None = None
        self._hands: _LoopExecutor | None = None
        self._heard = self._base = self._ended_at = 0
        self._waiting: deque[ChunkResult] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def signals(self) -> tuple[str, ...]:
        """What turn ends are judged by in semantic mode."""
        return _ALWAYS if self._room is None else self._room.signals

    def follow(self, mode: TurnMode) -> None:
        """The stream's turn mode from the next audio on: only in semantic mode does anybody listen."""
        wanted = mode == "semantic" and self._room is not None and bool(self._room.found.signals)
        if wanted and self._ears is None:
            self._listen()
        elif not wanted:
            self.give_up()

    def _listen(self) -> None:
        assert self._room is not None, "asked by `follow` only"
        loop = asyncio.get_running_loop()
        self._hands = _LoopExecutor(self, self._room, loop)
        self._ears = AudioAnalyzer(models_of(self._room.found), self._heard, self._hands, loop.time)
        self._base = self._heard

    def _stop(self) -> None:
        if self._hands is not None:
            self._hands.idle = True
        self._ears = self._hands = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hear(self, pcm: bytes) -> None:
        """The stream's next audio."""
        self._heard += len(pcm) // _SAMPLE_BYTES
        if self._ears is not None:
            self._ears.hear(pcm)

    def take(self, result: ChunkResult, *, patient: bool) -> None:
        """The worker's next result.

        Args:
            result: Of this stream.
            patient: Whether it may wait; otherwise it goes at once, and all before it.
        """
        if self._ears is None:
            self._ended_at = self._deliver(result, None)
        else:
            self._waiting.append(result)
            self.go_on(patient=patient)

    def _hand_on(self, *, patient: bool) -> None:
        while self._waiting and not (patient and self._must_wait(self._waiting[0].samples)):
            result = self._waiting.popleft()
            self._end_turn(self._deliver(result, self._voice_at(result.samples)))

    def _must_wait(self, position: int) -> bool:
        since = None if self._ears is None else self._ears.waiting_since(position)
        if since is None:
            return False
        loop = asyncio.get_running_loop()
        left = since + LATE_SECONDS - loop.time()
        if left <= 0:
            self._count_late()
        elif self._timer is None:
            self._timer = loop.call_later(left, self._on_timer)
        return left > 0

    def _count_late(self) -> None:
        if self._room is not None:
            self._room.metrics.turn_judgements_late.inc()

    def _on_timer(self) -> None:
        self._timer = None
        self.go_on()

    def _voice_at(self, position: int) -> VoiceSignals | None:
        """None where nobody listened yet: the turn mode has changed in mid-stream."""
        if self._ears is None or position <= self._base:
            return None
        return self._ears.voice_at(position)

    def _end_turn(self, ended_at: int) -> None:
        if ended_at > self._ended_at and self._ears is not None:
            self._ears.turn_ended(ended_at)
        self._ended_at = ended_at

    def go_on(self, *, patient: bool = True) -> None:
        """There is news from the worker or from the models, or it is too late to wait for these."""
        try:
            self._hand_on(patient=patient)
        except Exception:
            log.exception("the sound of a stream is not listened to any more")
            self.give_up()

    def give_up(self) -> None:
        """The stream goes on with the words alone."""
        self._stop()
        self._hand_on(patient=False)

    def close(self) -> None:
        """The stream is over: what waits is dropped, and what is still being computed for it goes nowhere."""
        self._stop()
        self._waiting.clear()


class _LoopExecutor:
    """The labour of one stream's ears: tasks go to the room's threads, answers come back on the event loop.

    Attributes:
        idle: Whether the ears are gone; answers that still come go nowhere.
    """

    def __init__(self, hearing: AudioTurnSignals, room: TurnModelPool, loop: asyncio.AbstractEventLoop) -> None:
        self.idle = False
        self._hearing = hearing
        self._room = room
        self._loop = loop

    def track(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """See `Labour.track`."""
        self._bring_back(self._room.track(task), done)

    def judge(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """See `Labour.judge`."""
        self._room.metrics.turn_judgements.inc()
        asked = self._loop.time()

        def answered(answer: _T) -> None:
            self._room.metrics.turn_judgement_seconds.observe(self._loop.time() - asked)
            done(answer)

        self._bring_back(self._room.judge(task), answered)

    def _bring_back(self, future: Future[_T], done: Callable[[_T], None]) -> None:
        def bring(future: Future[_T]) -> None:
            self._loop.call_soon_threadsafe(self._on_answer, future, done)

        future.add_done_callback(bring)

    def _on_answer(self, future: Future[_T], done: Callable[[_T], None]) -> None:
        if self.idle or future.cancelled():
            return
        error = future.exception()
        if error is None:
            done(future.result())
            self._hearing.go_on()
        else:
            log.error("a model that hears how turns sound has failed", exc_info=error)
            self._hearing.give_up()
