"""Silero's windows of all streams of a gateway, batched.

A stream whose result waits asks for its windows. They go through the network together with what others have asked for,
and the rows that are left go to streams whose windows could wait: they would have needed a thread of their own later.
Rows do not depend on each other (`Silero.rows`), so who shares a batch changes no probability.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from auricle_server.voice.silero import ROWS, SLICE, PendingAudio, VoiceTrack, advance_together

log = logging.getLogger(__name__)

Outcome = list[float] | Exception
"""Probabilities of speech, one for each window, or why there are none."""
_Task = Callable[[], list[Outcome]]


@dataclass(frozen=True, slots=True)
class VadRequest:
    """Windows of one stream, and who wants to know what they say.

    Attributes:
        stream: Names the stream; it has at most one request.
        audio: Its windows.
        done: Gets the outcome, on the event loop.
    """

    stream: Hashable
    audio: PendingAudio
    done: Callable[[Outcome], None]


class VadBatches:
    """Runs what is asked for in batches. To be used on one event loop.

    Args:
        submit: Runs a task in a thread.
        threads: Batches that may run at once.
    """

    def __init__(self, submit: Callable[[_Task], Future[list[Outcome]]], threads: int) -> None:
        self._submit = submit
        self._threads = threads
        self._running = 0
        self._starting = False
        self._asked: dict[Hashable, VadRequest] = {}
        self._offered: dict[Hashable, VadRequest] = {}

    def ask(self, request: VadRequest) -> None:
        """Runs the request's windows as soon as a thread is free."""
        self._offered.pop(request.stream, None)
        self._asked[request.stream] = request
        if not self._starting and self._running < self._threads:
            # Not at once: the results of one message from the worker ask for the windows of many streams.
            self._starting = True
            asyncio.get_running_loop().call_soon(self._start)

    def offer(self, request: VadRequest) -> None:
        """Runs the request's windows when others run and leave room, unless they are asked for before."""
        self._offered.setdefault(request.stream, request)

    def withdraw(self, stream: Hashable) -> None:
        """The stream has ended: what has not begun is not run."""
        self._asked.pop(stream, None)
        self._offered.pop(stream, None)

    def _start(self) -> None:
        self._starting = False
        loop = asyncio.get_running_loop()
        while self._asked and self._running < self._threads:
            batch = self._next_batch()
            self._running += 1
            future = self._submit(partial(advance_each, [(request.audio.track, pcm) for request, pcm in batch]))
            # The callback runs on the thread, and a stream's state belongs to the event loop alone.
            finish = partial(self._finish, [request for request, _ in batch])
            future.add_done_callback(partial(loop.call_soon_threadsafe, finish))

    def _next_batch(self) -> list[tuple[VadRequest, bytes]]:
        asked = [self._asked.pop(stream) for stream in list(self._asked)[:ROWS]]
        most = SLICE // len(asked)
        steps = min(most, max(request.audio.windows for request in asked))
        batch = [(request, request.audio.take(most)) for request in asked]
        room = min(ROWS - len(asked), (SLICE - steps * len(asked)) // max(1, steps))
        for stream in list(self._offered)[:room]:
            request = self._offered.pop(stream)
            batch.append((request, request.audio.take(steps)))
        return batch

    def _finish(self, requests: list[VadRequest], future: Future[list[Outcome]]) -> None:
        self._running -= 1
        self._start()  # the thread goes on while the outcomes are handled
        # The pool's `close` cancels tasks that have not begun.
        outcomes = [] if future.cancelled() else future.result()
        loop = asyncio.get_running_loop()
        for request, outcome in zip(requests, outcomes, strict=False):
            loop.call_soon(request.done, outcome)  # a callback of its own: its failure is its stream's alone


def advance_each(pieces: list[tuple[VoiceTrack, bytes]]) -> list[Outcome]:
    """What `advance_together` returns; if it fails, each piece alone, so that only its own stream loses its voice."""
    try:
        return list(advance_together(pieces))
    except Exception as error:
        log.exception("the voice of %d streams together cannot be found", len(pieces))
        return [error] if len(pieces) == 1 else [advance_each([piece])[0] for piece in pieces]
