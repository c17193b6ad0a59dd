"""One stream's ears: what the sound says at any position of it.

All decisions rest on the audio's own clock: windows of Silero lie on a grid from the stream's base on, and Smart Turn
judges when the voice has been silent for as long as `SCHEDULE` says. So the same audio gives the same answers, however
it was cut into packets, however fast it came, and whoever else is heard. The models run where `InferenceExecutor` says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns import VoiceSignals
from auricle_server.voice.end_of_turn_scores import EndOfTurnScore, EndOfTurnScores, ScoreSummary
from auricle_server.voice.inference_executor import InferenceExecutor, InlineExecutor
from auricle_server.voice.models import LoadedModels
from auricle_server.voice.silero import WINDOW, VoiceTrack
from auricle_server.voice.smart_turn import LONGEST
from auricle_server.voice.voice_activity import VoiceActivity

SCHEDULE = (6, 21)
"""Windows of silence, of 32 ms, after which Smart Turn judges: 192 and 672 ms. It was trained on turns with about 0.2 s
of silence behind them; later a low answer often rises. Beyond that a silence says enough by itself, and a judgement
costs 50 ms of a core: these make some 15 a minute of a conversation."""
BEFORE_SPEECH = SAMPLE_RATE // 2
"""Samples before a turn's first voice that Smart Turn hears with it; what Pipecat lets it hear, too."""
RECENT = SAMPLE_RATE // 10
"""The speech probability at a position is the highest of this many samples before it: two or three windows, so that
the closure of a consonant is no silence."""
AHEAD = 3 * SAMPLE_RATE // 2
"""Judgements are asked for as soon as the audio is there, up to this far before the results of the decoder that may
need them: more than the longest chunk, so that a live stream hardly waits, and little, as a turn's end voids them."""
_SLICE = 62
"""Windows, 2 s of audio, that go through Silero in one piece of work: 8 ms of a core; other streams come in between."""
_COLLECTED = 6
"""Windows that are collected before Silero gets them, unless somebody waits for them or a judgement may fall due: going
to another thread and back costs as much as half a window."""
_SAMPLE_BYTES = 2
_WINDOW_BYTES = WINDOW * _SAMPLE_BYTES


class AudioAnalyzer:
    """What the sound of one stream says. Not thread-safe: what `labour` hands back comes to the caller's thread.

    Holds the audio that Smart Turn may need and what has come since the newest position asked for: 17 kB while no turn
    is under way, 256 kB in a turn of 8 s or more; beyond that, 32 kB for each second of audio that has come ahead of
    the decoder, which the server bounds. Everything else is less than 10 kB.

    Args:
        models: Silero, and Smart Turn where it is there.
        base: Position of the first sample that will be heard.
        labour: Where the models run; at once, when needed, unless set.
        clock: Monotonic seconds, for `waiting_since`.
    """

    def __init__(
        self,
        models: LoadedModels,
        base: int = 0,
        labour: InferenceExecutor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._smart_turn = models.smart_turn
        self._labour: InferenceExecutor = labour or InlineExecutor()
        self._lookahead = 0 if labour is None else AHEAD
        self._clock = clock
        self._track = VoiceTrack(models.silero)
        self._audio = bytearray()
        self._audio_start = base
        self._heard = base
        self._untracked = bytearray()
        self._tracking_since: float | None = None
        self._windows: list[float] = []
        """Probabilities of speech, from the window that starts at `_first` on."""
        self._first = base
        self._settled = VoiceActivity(base, base)
        """At the newest position asked for; it can only move on."""
        self._ahead = VoiceActivity(base, base)
        """As far as judgements have been planned."""
        self._judgements = EndOfTurnScores()

    # --- the audio ---------------------------------------------------------------------------------------------------

    def hear(self, pcm: bytes) -> None:
        """The next audio: whole samples, 16-bit mono at 16 kHz, any number of them."""
        self._heard += len(pcm) // _SAMPLE_BYTES
        self._audio += pcm
        self._untracked += pcm
        self._go_on()

    def _go_on(self, *, at_once: bool = False) -> None:
        """Gives Silero the next windows, unless it has some."""
        least = 1 if at_once or 0 < self._ahead.silent_windows < SCHEDULE[-1] else _COLLECTED
        while self._tracking_since is None and (windows := len(self._untracked) // _WINDOW_BYTES) >= least:
            size = min(_SLICE, windows) * _WINDOW_BYTES
            piece = bytes(self._untracked[:size])
            del self._untracked[:size]
            self._tracking_since = self._clock()
            self._labour.track(partial(self._track.advance, piece), self._on_windows)

    def _lacks(self, position: int) -> bool:
        """Whether Silero has not come as far as it can up to there; then it goes on at once."""
        reachable = min(position, self._heard) - WINDOW
        if self._known <= reachable:
            self._go_on(at_once=True)
        return self._known <= reachable

    def _on_windows(self, probabilities: list[float]) -> None:
        self._tracking_since = None
        self._windows += probabilities
        if self._lookahead:
            self._plan(self._settled.seen + self._lookahead)
            self._go_on()

    @property
    def _known(self) -> int:
        """How far Silero has come."""
        return self._first + WINDOW * len(self._windows)

    # --- judgements --------------------------------------------------------------------------------------------------

    def _plan(self, until: int) -> None:
        """Finds the judgements that fall due up to `until`; asks for them at once where asking blocks nobody."""
        ahead = self._ahead
        while self._smart_turn is not None and ahead.seen + WINDOW <= min(until, self._known):
            ahead.step(self._windows[(ahead.seen - self._first) // WINDOW])
            if ahead.silent_windows in SCHEDULE and ahead.turn_start is not None and ahead.silent_since is not None:
                start = max(ahead.floor, ahead.turn_start - BEFORE_SPEECH, ahead.seen - LONGEST)
                self._judgements.plan(ahead.seen, start, ahead.silent_since)
        self._ask_ahead()

    def _ask_ahead(self) -> None:
        if self._lookahead:
            for judgement in self._judgements.due:
                self._ask(judgement)

    def _ask(self, judgement: EndOfTurnScore) -> None:
        if self._smart_turn is not None:
            judgement.asked = self._clock()
            first, last = (_SAMPLE_BYTES * (end - self._audio_start) for end in (judgement.start, judgement.position))
            pcm = bytes(self._audio[first:last])
            self._labour.judge(partial(self._smart_turn.judge, pcm), partial(self._on_score, judgement))

    def _on_score(self, judgement: EndOfTurnScore, score: float) -> None:
        judgement.score = score
        self._ask_ahead()

    def _settle(self, position: int) -> ScoreSummary:
        """Moves on to `position`: how the judgements of the silence there stand."""
        self._plan(position + self._lookahead)
        settled = self._settled
        while settled.seen + WINDOW <= min(position, self._known):
            settled.step(self._windows[(settled.seen - self._first) // WINDOW])
        standing = self._judgements.standing(settled.silent_since, position)
        while standing.pending is not None and standing.pending.asked is None:
            self._ask(standing.pending)
            standing = self._judgements.standing(settled.silent_since, position)
        return standing

    # --- what they say -----------------------------------------------------------------------------------------------

    def waiting_since(self, position: int) -> float | None:
        """Since when, by the clock, something is being computed that `voice_at(position)` rests on; None if nothing is.

        Args:
            position: As for `voice_at`.
        """
        if self._lacks(position):
            return self._tracking_since
        pending = self._settle(position).pending
        return None if pending is None or pending.late else pending.asked

    def waits(self, position: int) -> bool:
        """Whether something that `voice_at(position)` rests on is still being computed."""
        return self.waiting_since(position) is not None

    def voice_at(self, position: int) -> VoiceSignals:
        """What the sound says at a position that has been heard.

        What is still being computed does not count, and that judgement is not waited for any more.

        Args:
            position: In samples; not before one that was asked for already.
        """
        self._lacks(position)
        standing = self._settle(position)
        if standing.pending is not None:
            standing.pending.late = True
        newest = standing.newest
        voice = VoiceSignals(
            self._speech(position),
            self._settled.silent_since,
            None if newest is None else newest.score,
            None if newest is None else newest.position,
            prosody=self._smart_turn is not None,
        )
        self._forget(position)
        return voice

    def turn_ended(self, position: int) -> None:
        """A turn has ended at a position that was asked for; the next one has not sounded yet."""
        self._settled.end_turn(position)
        self._ahead = replace(self._settled)
        self._judgements.void(position, self._settled.seen)
        self._plan(self._settled.seen + self._lookahead)

    def _speech(self, position: int) -> float:
        last = (min(position, self._known) - self._first) // WINDOW
        first = max(0, (position - RECENT - self._first) // WINDOW)
        return max(self._windows[min(first, max(0, last - 1)) : last], default=0.0)

    def _forget(self, position: int) -> None:
        """Drops what no later position needs."""
        settled = self._settled
        windows = (min(settled.seen, position - RECENT) - self._first) // WINDOW
        if windows > 0:
            del self._windows[:windows]
            self._first += WINDOW * windows
        self._judgements.forget(settled.seen if settled.silent_since is None else settled.silent_since)
        voice = settled.seen if settled.turn_start is None else settled.turn_start
        needed = max(settled.floor, voice - BEFORE_SPEECH, settled.seen - LONGEST)
        asked_later = self._judgements.first_sample
        samples = (needed if asked_later is None else min(needed, asked_later)) - self._audio_start
        if samples > 0:
            del self._audio[: _SAMPLE_BYTES * samples]
            self._audio_start += samples
