"""Joins what the sound of a stream says to the results of its decoder, while its turn mode or a cure needs that.

A chunk's result waits, in order, until the models have computed what the sound says up to its position. A decision
therefore rests on the audio alone and not on which of the two was faster. The answer to a finalize never waits, and no
result waits for longer than `LATE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from auricle_server.ipc.columns import ChunkResult
from auricle_server.metrics import Metrics
from auricle_server.turns import VoiceSignals
from auricle_server.voice.audio_analyzer import AudioAnalyzer
from auricle_server.voice.models import ModelFiles, load_models, models_of

log = logging.getLogger(__name__)

LATE_SECONDS = 0.25
"""Wall-clock time after which a result no longer waits. Smart Turn takes 0.05 s of a core; a turn end that comes later
than this costs a conversation more than one that was decided without the sound."""
WORD_SIGNALS = ("words", "punctuation")
"""What turn ends are judged by in semantic mode without any model."""

_T = TypeVar("_T")


class TurnModelPool:
    """Runs the models for all streams of a gateway.

    Each model has its own threads, started when needed, so that a window of Silero never waits for Smart Turn. ONNX
    Runtime releases the interpreter's lock while it computes. One thread of Silero suffices for some 250 streams.

    Args:
        found: The models.
        metrics: Of the gateway.
        threads: Most for each model; by default a quarter of the cores.
    """

    def __init__(self, found: ModelFiles, metrics: Metrics, threads: int | None = None) -> None:
        self.found = found
        self.metrics = metrics
        threads = threads or max(1, (os.cpu_count() or 1) // 4)
        self._loaded = False
        self._vad_threads = ThreadPoolExecutor(threads, "auricle-voice")
        self._end_of_turn_threads = ThreadPoolExecutor(threads, "auricle-turns")

    async def load(self) -> None:
        """Loads the models, if there are any: 0.3 s for the first stream, whose first results would else go without."""
        if self.found.signals and not self._loaded:
            await asyncio.wrap_future(self.run_vad(partial(load_models, self.found)))
            self._loaded = True

    @property
    def signals(self) -> tuple[str, ...]:
        """What turn ends are judged by in semantic mode."""
        return (*WORD_SIGNALS, *self.found.signals)

    def run_vad(self, task: Callable[[], _T]) -> Future[_T]:
        """Runs a task of Silero's."""
        return self._vad_threads.submit(task)

    def run_end_of_turn(self, task: Callable[[], _T]) -> Future[_T]:
        """Runs a task of Smart Turn's."""
        return self._end_of_turn_threads.submit(task)

    async def close(self) -> None:
        """Drops the tasks that have not begun, and waits for the others: tenths of a second."""
        for threads in (self._vad_threads, self._end_of_turn_threads):
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)


class AudioTurnSignals:
    """The sound of one stream, from the moment when it is needed. To be made on the event loop.

    Args:
        pool: Runs the models; it has Silero at least.
        position: Samples of the stream before the first that comes here.
        turn_ended_at: Position on which the last turn's end was decided.
        on_ready: Called on the event loop when a waiting result may have become ready: a model has answered, or the
            result has waited for too long.
        judges: Whether to score how complete a turn sounds; otherwise only voice is detected.

    Attributes:
        judges: As given.
    """

    def __init__(
        self,
        pool: TurnModelPool,
        position: int,
        turn_ended_at: int,
        on_ready: Callable[[], None],
        *,
        judges: bool = True,
    ) -> None:
        self.judges = judges
        self._pool = pool
        self._on_ready = on_ready
        self._base = position
        self._turn_ended_at = turn_ended_at
        self._loop = asyncio.get_running_loop()
        self._executor = _LoopExecutor(pool, self._loop, self._on_answer)
        models = models_of(pool.found)
        self._analyzer: AudioAnalyzer | None = AudioAnalyzer(
            models if judges else replace(models, smart_turn=None), position, self._executor, self._loop.time
        )
        """None once a model has failed; results then go on without signals."""
        self._waiting: deque[ChunkResult] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def receive_audio(self, pcm: bytes) -> None:
        """Takes the stream's next audio, 16-bit mono at 16 kHz."""
        if self._analyzer is not None:
            self._analyzer.receive_audio(pcm)

    def add(self, result: ChunkResult) -> None:
        """Takes the stream's next result; `pop_ready` returns it."""
        self._waiting.append(result)

    def pop_ready(self, *, wait: bool = True) -> tuple[ChunkResult, VoiceSignals | None] | None:
        """The next result, with the signals at its position; None while there is none, or while it waits.

        Args:
            wait: Whether results may wait for the models.
        """
        if not self._waiting:
            return None
        position = self._waiting[0].samples
        try:
            if wait and self._must_wait(position):
                return None
            signals = self._signals_at(position)
        except Exception:
            log.exception("the sound of a stream cannot be analysed; its turns end by its words alone")
            self._stop()
            signals = None
        return self._waiting.popleft(), signals

    def _must_wait(self, position: int) -> bool:
        since = None if self._analyzer is None else self._analyzer.waiting_since(position)
        if since is None:
            return False
        left = since + LATE_SECONDS - self._loop.time()
        if left <= 0:
            self._pool.metrics.turn_judgements_late.inc()
        # One timer, for the first in the queue; `pop_ready` sets the next one's when it has fired.
        elif self._timer is None:
            self._timer = self._loop.call_later(left, self._on_timer)
        return left > 0

    def _signals_at(self, position: int) -> VoiceSignals | None:
        """None at positions before the first audio that came here: the turn mode has changed in mid-stream."""
        if self._analyzer is None or position <= self._base:
            return None
        return self._analyzer.voice_at(position)

    def end_turn(self, position: int) -> None:
        """Notes where the last turn's end was decided; may be called again with the same position."""
        # Most calls: one follows every result, and the analyzer must not plan its scores anew for each.
        if position <= self._turn_ended_at:
            return
        self._turn_ended_at = position
        try:
            if self._analyzer is not None:
                self._analyzer.end_turn(position)
        except Exception:
            log.exception("the sound of a stream cannot be analysed; its turns end by its words alone")
            self._stop()

    def close(self) -> list[ChunkResult]:
        """Stops; answers of the models that still come are dropped. Returns the results that were waiting."""
        self._stop()
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def _stop(self) -> None:
        self._executor.closed = True
        self._analyzer = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_answer(self, error: BaseException | None) -> None:
        if error is not None:
            log.error("a turn model has failed; the turns of a stream end by its words alone", exc_info=error)
            self._stop()
        if self._waiting:
            self._on_ready()

    def _on_timer(self) -> None:
        self._timer = None
        if self._waiting:
            self._on_ready()


class _LoopExecutor:
    """An `InferenceExecutor` that runs tasks on the pool's threads and returns their results on the event loop.

    Args:
        pool: Runs the tasks.
        loop: Where their results are wanted.
        on_answer: Called after each result has been handled, or with the error of a task that has failed.

    Attributes:
        closed: Whether results that still come are dropped.
    """

    def __init__(
        self,
        pool: TurnModelPool,
        loop: asyncio.AbstractEventLoop,
        on_answer: Callable[[BaseException | None], None],
    ) -> None:
        self.closed = False
        self._pool = pool
        self._loop = loop
        self._on_answer = on_answer

    def run_vad(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """See `InferenceExecutor.run_vad`."""
        self._return_on_loop(self._pool.run_vad(task), done)

    def run_end_of_turn(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """See `InferenceExecutor.run_end_of_turn`."""
        metrics, asked = self._pool.metrics, self._loop.time()
        metrics.turn_judgements.inc()

        def measured(score: _T) -> None:
            metrics.turn_judgement_seconds.observe(self._loop.time() - asked)
            done(score)

        self._return_on_loop(self._pool.run_end_of_turn(task), measured)

    def _return_on_loop(self, future: Future[_T], done: Callable[[_T], None]) -> None:
        # The callback runs on the thread of the pool, and a stream's state belongs to the event loop alone.
        future.add_done_callback(lambda future: self._loop.call_soon_threadsafe(self._finish, future, done))

    def _finish(self, future: Future[_T], done: Callable[[_T], None]) -> None:
        # The pool's `close` cancels tasks that have not begun. `exception` of such a future raises.
        if self.closed or future.cancelled():
            return
        error = future.exception()
        if error is None:
            done(future.result())
        self._on_answer(error)
