"""Joins what the sound of a stream says to the results of its decoder, while its turn mode or a cure needs that.

A chunk's result waits, in order, until the models have computed what the sound says up to its position. A decision
therefore rests on the audio alone and not on which of the two was faster. The answer to a finalize never waits, and no
result waits for longer than `LATE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from auricle_server.gateway.audio.turn_model_pool import LoopExecutor, TurnModelPool
from auricle_server.ipc.columns import ChunkResult
from auricle_server.turns import VoiceSignals
from auricle_server.voice.audio_analyzer import AudioAnalyzer
from auricle_server.voice.models import models_of

log = logging.getLogger(__name__)

UNHURRIED_SECONDS = 0.75
"""Time that a result waits, while no turn is open and it has brought no word, before Silero is run for it alone: longer
than an idle stream's windows are collected."""
LATE_SECONDS = 0.25
"""Wall-clock time after which a result no longer waits. Smart Turn takes 0.05 s of a core; a turn end that comes later
than this costs a conversation more than one that was decided without the sound."""


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
        self._executor = LoopExecutor(pool, self._loop, self._on_answer)
        models = models_of(pool.found)
        self._analyzer: AudioAnalyzer | None = AudioAnalyzer(
            models if judges else replace(models, smart_turn=None), position, self._executor, self._loop.time
        )
        """None once a model has failed; results then go on without signals."""
        self._waiting: deque[_Waiting] = deque()
        self._urgent_until = position
        """Results up to here are urgent."""
        self._timer: asyncio.TimerHandle | None = None

    def receive_audio(self, pcm: bytes) -> None:
        """Takes the stream's next audio, 16-bit mono at 16 kHz."""
        if self._analyzer is not None:
            self._analyzer.receive_audio(pcm)

    def add(self, result: ChunkResult, *, urgent: bool = True) -> None:
        """Takes the stream's next result; `pop_ready` returns it.

        Args:
            result: The result.
            urgent: Whether the sound may decide something there, so that the models run for it at once; otherwise it
                waits until they have come so far with other streams, `UNHURRIED_SECONDS` at most.
        """
        self._waiting.append(_Waiting(result, self._loop.time()))
        if urgent and result.samples > self._urgent_until:
            self._urgent_until = result.samples
            self._cancel_timer()  # it may be that of a result that had time

    def hurry(self) -> None:
        """The client waits for a result that is on its way: the models go on to where the audio is."""
        try:
            if self._analyzer is not None:
                self._analyzer.hurry()
        except Exception:
            log.exception("the sound of a stream cannot be analysed; its turns end by its words alone")
            self._stop()

    def pop_ready(self, *, wait: bool = True) -> tuple[ChunkResult, VoiceSignals | None] | None:
        """The next result, with the signals at its position; None while there is none, or while it waits.

        Args:
            wait: Whether results may wait for the models.
        """
        if not self._waiting:
            return None
        first = self._waiting[0]
        position = first.result.samples
        try:
            if wait and (self._has_time(first) or self._must_wait(position)):
                return None
            signals = self._signals_at(position)
        except Exception:
            log.exception("the sound of a stream cannot be analysed; its turns end by its words alone")
            self._stop()
            signals = None
        return self._waiting.popleft().result, signals

    def _has_time(self, waiting: _Waiting) -> bool:
        """Whether a result waits without asking the models for anything."""
        position = waiting.result.samples
        if self._analyzer is None or position <= self._urgent_until or self._analyzer.reaches(position):
            return False
        left = waiting.since + UNHURRIED_SECONDS - self._loop.time()
        if left > 0:
            self._set_timer(left)
        return left > 0

    def _must_wait(self, position: int) -> bool:
        since = None if self._analyzer is None else self._analyzer.waiting_since(position)
        if since is None:
            return False
        left = since + LATE_SECONDS - self._loop.time()
        if left <= 0:
            self._pool.metrics.turn_judgements_late.inc()
        else:
            self._set_timer(left)
        return left > 0

    def _set_timer(self, seconds: float) -> None:
        # One timer, for the first in the queue; `pop_ready` sets the next one's when it has fired.
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._on_timer)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
        waiting = [each.result for each in self._waiting]
        self._waiting.clear()
        return waiting

    def _stop(self) -> None:
        self._executor.close()
        self._analyzer = None
        self._cancel_timer()

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


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A result, and when it was added, by the loop's clock."""

    result: ChunkResult
    since: float
