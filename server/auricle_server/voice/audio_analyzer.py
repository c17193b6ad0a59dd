"""What the sound of one stream says at any position of it.

All results rest on the audio's own clock: windows of Silero lie on a grid from the stream's base on, and Smart Turn
runs when the voice has been silent for as long as `SCHEDULE` says. The same audio therefore gives the same results,
however it was cut into packets, however fast it came, and whatever other streams do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns import VoiceSignals
from auricle_server.voice.end_of_turn_scores import EndOfTurnScore, EndOfTurnScores, ScoreSummary
from auricle_server.voice.models import LoadedModels
from auricle_server.voice.silero import WINDOW, PendingAudio, VoiceTrack
from auricle_server.voice.smart_turn import LONGEST
from auricle_server.voice.voice_activity import VoiceActivity

SCHEDULE = (6, 21)
"""Windows of silence, of 32 ms, after which Smart Turn runs: 192 and 672 ms. It was trained on turns that end with
about 0.2 s of silence; a low answer often rises later. A longer silence says enough by itself, and a run costs 50 ms of
a core: this schedule makes some 15 runs a minute of a conversation."""
BEFORE_SPEECH = SAMPLE_RATE // 2
"""Samples before a turn's first voice that Smart Turn gets with it, as in Pipecat's analyser."""
RECENT = SAMPLE_RATE // 10
"""The speech probability at a position is the highest of this many samples before it: two or three windows, so that
the closure of a consonant is not taken for silence."""
AHEAD = 3 * SAMPLE_RATE // 2
"""Scores are asked for as soon as their audio is there, up to this far before the decoder's results that may need them:
more than the longest chunk, so that a live stream seldom waits, and little, as a turn's end voids them."""
_COLLECTED = 6
"""Windows that are collected before Silero gets them, unless a result waits for them or a score may fall due: a thread
that wakes up costs as much as several windows."""
_COLLECTED_IDLE = 16
"""The same, half a second, while nobody speaks: they seldom wait so long, as they go with those of other streams."""
_SAMPLE_BYTES = 2
_T = TypeVar("_T")


class InferenceExecutor(Protocol):
    """Runs the models: at once, or in threads whose results come back on the caller's thread."""

    def run_vad(self, task: PendingAudio, done: Callable[[list[float]], None]) -> None:
        """Runs Silero's `task` and gives its result to `done`; one stream never has two at once."""
        ...

    def offer_vad(self, task: PendingAudio, done: Callable[[list[float]], None]) -> None:
        """As `run_vad`, when it suits: with the windows of another stream, or never."""
        ...

    def run_end_of_turn(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """Runs Smart Turn's `task` and gives its result to `done`."""
        ...


class InlineExecutor:
    """Runs every task at once, on the caller's thread."""

    def run_vad(self, task: PendingAudio, done: Callable[[list[float]], None]) -> None:
        """See `InferenceExecutor.run_vad`."""
        done(task())

    def offer_vad(self, task: PendingAudio, done: Callable[[list[float]], None]) -> None:
        """Nothing suits: there are no other streams."""

    def run_end_of_turn(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """See `InferenceExecutor.run_end_of_turn`."""
        done(task())


class AudioAnalyzer:
    """Analyses the sound of one stream. Not thread-safe: the executor must return results on the caller's thread.

    Holds the audio that Smart Turn may need and what has come since the newest position asked for: 17 kB while no turn
    is open, 256 kB in a turn of 8 s or more; beyond that, 32 kB for each second of audio that has come ahead of the
    decoder, which the server bounds. Everything else is less than 10 kB.

    Args:
        models: Silero, and Smart Turn where it is installed.
        base: Position of the first sample that will come.
        executor: Runs the models; by default at once, when a result is needed.
        clock: Monotonic seconds, for `waiting_since`.
    """

    def __init__(
        self,
        models: LoadedModels,
        base: int = 0,
        executor: InferenceExecutor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._smart_turn = models.smart_turn
        self._executor: InferenceExecutor = executor or InlineExecutor()
        self._lookahead = 0 if executor is None else AHEAD
        self._clock = clock
        self._track = VoiceTrack(models.silero)
        self._audio = bytearray()
        self._audio_start = base
        self._received = base
        self._pending = PendingAudio(self._track, clock)
        self._windows: list[float] = []
        """Probabilities of speech, from the window that starts at `_first` on."""
        self._first = base
        self._peak_from = base
        """The position that was asked for last."""
        self._settled = VoiceActivity(base, base)
        """At the newest position asked for; it can only move on."""
        self._planned = VoiceActivity(base, base)
        """As far as scores have been planned."""
        self._scores = EndOfTurnScores()

    # --- the audio ---------------------------------------------------------------------------------------------------

    def receive_audio(self, pcm: bytes) -> None:
        """Takes the next audio: whole samples, 16-bit mono at 16 kHz, any number of them."""
        self._received += len(pcm) // _SAMPLE_BYTES
        self._audio += pcm
        self._pending.pcm += pcm
        self._advance()

    def _advance(self, *, at_once: bool = False) -> None:
        """Gives Silero the next windows, unless it runs some."""
        pending, least = self._pending, 1 if at_once else self._collected
        # One task at a time: the network is recurrent, so windows must go through it in order.
        while pending.since is None and pending.windows >= least:
            pending.ask()
            self._executor.run_vad(pending, self._on_windows)
        if pending.since is None and pending.windows:
            self._executor.offer_vad(pending, self._on_windows)

    @property
    def _collected(self) -> int:
        """Windows that are worth a task."""
        planned = self._planned
        if 0 < planned.silent_windows < SCHEDULE[-1]:
            return 1
        return _COLLECTED if planned.speaking else _COLLECTED_IDLE

    def reaches(self, position: int) -> bool:
        """Whether Silero has come as far as it can up to `position`.

        Args:
            position: As for `voice_at`.
        """
        return self._tracked > min(position, self._received) - WINDOW

    def hurry(self) -> None:
        """A result will soon need what has come: Silero goes on at once."""
        self._advance(at_once=True)

    def _lacks_windows(self, position: int) -> bool:
        """Whether Silero has not yet come as far as it can up to `position`; then it goes on at once."""
        if not self.reaches(position):
            self._advance(at_once=True)
        return not self.reaches(position)

    def _on_windows(self, probabilities: list[float]) -> None:
        self._pending.since = None
        self._windows += probabilities
        if self._lookahead:
            self._plan(self._settled.seen + self._lookahead)
            self._advance()

    @property
    def _tracked(self) -> int:
        """The position up to which Silero has come."""
        return self._first + WINDOW * len(self._windows)

    # --- scores ------------------------------------------------------------------------------------------------------

    def _plan(self, until: int) -> None:
        """Plans the scores that fall due up to `until`; asks for them at once where that blocks nothing."""
        planned = self._planned
        while self._smart_turn is not None and planned.seen + WINDOW <= min(until, self._tracked):
            planned.step(self._windows[(planned.seen - self._first) // WINDOW])
            silent, start = planned.silent_since, planned.turn_start
            if planned.silent_windows in SCHEDULE and start is not None and silent is not None:
                first = max(planned.floor, start - BEFORE_SPEECH, planned.seen - LONGEST)
                self._scores.plan(planned.seen, first, silent)
        self._request_due()

    def _request_due(self) -> None:
        if self._lookahead:
            for score in self._scores.due:
                self._request(score)

    def _request(self, score: EndOfTurnScore) -> None:
        if self._smart_turn is not None:
            score.asked = self._clock()
            first, last = (_SAMPLE_BYTES * (end - self._audio_start) for end in (score.start, score.position))
            # A copy of the audio: the task runs in a thread while `_forget` shortens the buffer.
            task = partial(self._smart_turn.judge, bytes(self._audio[first:last]))
            self._executor.run_end_of_turn(task, partial(self._on_score, score))

    def _on_score(self, score: EndOfTurnScore, value: float) -> None:
        score.score = value
        self._request_due()

    def _settle(self, position: int) -> ScoreSummary:
        """Moves on to `position`; returns the scores of the silence there."""
        self._plan(position + self._lookahead)
        settled = self._settled
        while settled.seen + WINDOW <= min(position, self._tracked):
            settled.step(self._windows[(settled.seen - self._first) // WINDOW])
        summary = self._scores.summary(settled.silent_since, position)
        while summary.pending is not None and summary.pending.asked is None:
            self._request(summary.pending)
            summary = self._scores.summary(settled.silent_since, position)
        return summary

    # --- what they say -----------------------------------------------------------------------------------------------

    def waiting_since(self, position: int) -> float | None:
        """When the task was begun, by the clock, that `voice_at(position)` needs; None if it needs none.

        Args:
            position: As for `voice_at`.
        """
        if self._lacks_windows(position):
            return self._pending.since
        pending = self._settle(position).pending
        return None if pending is None or pending.late else pending.asked

    def voice_at(self, position: int) -> VoiceSignals:
        """What the sound says at a position that has been received.

        What is still being computed does not count, and later results do not wait for that score.

        Args:
            position: In samples; not before one that was asked for already.
        """
        self._lacks_windows(position)
        summary = self._settle(position)
        if summary.pending is not None:
            summary.pending.late = True
        newest = summary.newest
        voice = VoiceSignals(
            self._speech(position),
            self._settled.silent_since,
            None if newest is None else newest.score,
            None if newest is None else newest.position,
            prosody=self._smart_turn is not None,
            voiced=self._settled.voiced,
            peak=self._peak(position),
            speech_start=self._settled.speech_start,
        )
        self._peak_from = position
        self._forget(position)
        return voice

    def end_turn(self, position: int) -> None:
        """Notes that a turn has ended at a position that was asked for; the next turn has no voice yet."""
        self._settled.end_turn(position)
        # Scores were planned ahead as if the turn went on: from here they are planned anew.
        self._planned = replace(self._settled)
        self._scores.void(position, self._settled.seen)
        self._plan(self._settled.seen + self._lookahead)

    def _speech(self, position: int) -> float:
        last = (min(position, self._tracked) - self._first) // WINDOW
        first = max(0, (position - RECENT - self._first) // WINDOW)
        return max(self._windows[min(first, max(0, last - 1)) : last], default=0.0)

    def _peak(self, position: int) -> float:
        """Highest probability in the windows that begin since the position asked for before; 1 if one is missing."""
        if self._tracked + WINDOW <= position:
            return 1.0
        first = max(0, (self._peak_from - self._first) // WINDOW)
        return max(self._windows[first : (position - self._first) // WINDOW], default=0.0)

    def _forget(self, position: int) -> None:
        """Drops what no later position needs."""
        settled = self._settled
        windows = (min(settled.seen, position - RECENT) - self._first) // WINDOW
        if windows > 0:
            del self._windows[:windows]
            self._first += WINDOW * windows
        self._scores.forget(settled.seen if settled.silent_since is None else settled.silent_since)
        voice = settled.seen if settled.turn_start is None else settled.turn_start
        needed = max(settled.floor, voice - BEFORE_SPEECH, settled.seen - LONGEST)
        planned = self._scores.first_sample
        samples = (needed if planned is None else min(needed, planned)) - self._audio_start
        if samples > 0:
            # Cheap: CPython moves the start of a bytearray, not its bytes.
            del self._audio[: _SAMPLE_BYTES * samples]
            self._audio_start += samples
