"""Runs the turn models for all streams of a gateway: on threads, with the results back on the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from auricle_server.gateway.audio.vad_batches import Outcome, VadBatches, VadRequest
from auricle_server.telemetry.metrics import Metrics
from auricle_server.voice.models import ModelFiles, load_models
from auricle_server.voice.silero import PendingAudio

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

    Attributes:
        found: As given.
        metrics: As given.
        vad: Silero's windows.
    """

    def __init__(self, found: ModelFiles, metrics: Metrics, threads: int | None = None) -> None:
        self.found = found
        self.metrics = metrics
        threads = threads or max(1, (os.cpu_count() or 1) // 4)
        self._loaded = False
        self._vad_threads = ThreadPoolExecutor(threads, "auricle-voice")
        self._end_of_turn_threads = ThreadPoolExecutor(threads, "auricle-turns")
        self.vad = VadBatches(self.run_vad, threads)

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


class LoopExecutor:
    """An `InferenceExecutor` that runs tasks on the pool's threads and returns their results on the event loop.

    Args:
        pool: Runs the tasks.
        loop: Where their results are wanted.
        on_answer: Called after each result has been handled, or with the error of a task that has failed.
    """

    def __init__(
        self,
        pool: TurnModelPool,
        loop: asyncio.AbstractEventLoop,
        on_answer: Callable[[BaseException | None], None],
    ) -> None:
        self._closed = False
        self._pool = pool
        self._loop = loop
        self._on_answer = on_answer

    def close(self) -> None:
        """Drops what has not begun, and the results that still come."""
        self._closed = True
        self._pool.vad.withdraw(self)

    def run_vad(self, task: PendingAudio, done: Callable[[list[float]], None]) -> None:
        """See `InferenceExecutor.run_vad`."""
        self._pool.vad.ask(VadRequest(self, task, partial(self._on_vad, done)))

    def offer_vad(self, task: PendingAudio, done: Callable[[list[float]], None]) -> None:
        """See `InferenceExecutor.offer_vad`."""
        self._pool.vad.offer(VadRequest(self, task, partial(self._on_vad, done)))

    def _on_vad(self, done: Callable[[list[float]], None], outcome: Outcome) -> None:
        if self._closed:
            return
        if isinstance(outcome, Exception):
            self._on_answer(outcome)
            return
        done(outcome)
        self._on_answer(None)

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
        if self._closed or future.cancelled():
            return
        error = future.exception()
        if error is None:
            done(future.result())
        self._on_answer(error)
