"""Turn ends of the server's detectors and of others, over recorded traces."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from auricle_server.text.closing_marks import FULL_STOPS
from auricle_server.turns import SemanticDetector, SilenceDetector, TurnDetector, TurnEnded, TurnEvidence
from auricle_server.voice.silero import WINDOW
from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.turns.measure import Point, outcomes, point
from tests.bench.turns.traces import GRID, Trace, grounds

SHORTEST, LONGEST = 160, 2500
"""Milliseconds of silence that bound a semantic turn end, as the protocol's defaults do."""
PIPECAT_STOP = 6
"""Windows of silence after which Pipecat's voice detection says that speech has stopped: 0.2 s, rounded."""
PIPECAT_LONGEST = 3 * SAMPLE_RATE
"""Silence after which Pipecat ends a turn that Smart Turn holds to be incomplete."""
EVERY_100_MS = tuple(windows for windows in GRID if windows % 3 == 0 and windows >= PIPECAT_STOP)

Ends = list[int]
Signals = Literal["words", "voice", "prosody"]
SIGNALS: tuple[Signals, ...] = ("words", "voice", "prosody")
"""What a server has: the transcript alone, Silero as well, Smart Turn as well."""
_SILENCES = (64, 96, 128, *range(160, 2001, 20))
_SHARES = tuple(1 / (1 + math.exp(-step / 15)) for step in range(-75, 106))


@dataclass(frozen=True)
class System:
    """Something that ends turns, and the values of its one knob.

    Attributes:
        name: In the results.
        knob: What the values are.
        values: To try.
        ends: Where a value ends turns in a trace.
    """

    name: str
    knob: str
    values: tuple[float, ...]
    ends: Callable[[Trace, float], Ends]

    def sweep(self, traces: Sequence[Trace]) -> list[Point]:
        """All values over all traces."""
        return [
            point(value, (one for trace in traces for one in outcomes(trace.conversation, self.ends(trace, value))))
            for value in self.values
        ]


def with_signals(heard: TurnEvidence, signals: Signals) -> TurnEvidence:
    """The same, as a server with these signals would know it."""
    if signals == "prosody" or heard.voice is None:
        return heard
    bare = replace(heard.voice, complete=None, judged=None, prosody=False)
    return replace(heard, voice=None if signals == "words" else bare)


def detected(detector: TurnDetector, heard: Iterable[TurnEvidence]) -> Ends:
    """Where a detector of the server ends turns."""
    return [each.position for each in heard if any(isinstance(made, TurnEnded) for made in detector.feed(each))]


def semantic(trace: Trace, threshold: float, *, latency_ms: int, signals: Signals = "prosody") -> Ends:
    """The server's semantic detector, on a server with these signals."""
    detector = SemanticDetector(threshold, None, _samples(SHORTEST), _samples(LONGEST))
    return detected(detector, (with_signals(each, signals) for each in trace.heard(latency_ms)))


def silence(trace: Trace, milliseconds: float, *, latency_ms: int) -> Ends:
    """The server's silence detector."""
    return detected(SilenceDetector(_samples(milliseconds)), trace.heard(latency_ms))


def punctuation(trace: Trace, milliseconds: float, *, latency_ms: int) -> Ends:
    """A full stop and so much silence behind the last word, or `LONGEST`: what the transcript alone can tell."""
    ends: Ends = []
    seen, is_open = 0, False
    for heard in trace.heard(latency_ms):
        if heard.speech_end is None:
            continue
        is_open |= heard.speech_end > seen
        seen = heard.speech_end
        complete = bool(heard.closing) and heard.closing[-1] in FULL_STOPS
        if is_open and heard.position - seen >= _samples(milliseconds if complete else LONGEST):
            is_open = False
            ends.append(heard.position)
    return ends


def voice_activity(trace: Trace, milliseconds: float) -> Ends:
    """Silero alone: a turn ends when its probability has been below one half for so long."""
    ends, silent, is_open = [], 0, False
    for index, probability in enumerate(trace.sound.windows.tolist()):
        silent = 0 if probability >= 0.5 else silent + 1
        is_open |= silent == 0
        if is_open and silent * WINDOW >= _samples(milliseconds):
            is_open = False
            ends.append((index + 1) * WINDOW)
    return ends


def smart_turn(trace: Trace, threshold: float, *, schedule: Sequence[int]) -> Ends:
    """Smart Turn as Pipecat asks it, once speech has stopped for 0.2 s, or again and again while silence lasts."""
    scores = dict(zip(trace.sound.places.tolist(), trace.sound.scores.tolist(), strict=True))
    ends: Ends = []
    ended = False
    for ground in grounds(trace.sound.windows, trace.conversation):
        if ground.silent_since is None:
            ended &= not ground.speaking
            continue
        complete = ground.silent_windows in schedule and scores.get(ground.seen, 0.0) >= threshold
        if not ended and (complete or ground.seen - ground.silent_since >= PIPECAT_LONGEST):
            ended = True
            ends.append(ground.seen)
    return ends


def systems(latency_ms: int) -> Iterator[System]:
    """All that are compared, at one latency of the decoder."""
    yield System("VAD only", "silence, ms", _SILENCES, voice_activity)
    yield System("Smart Turn, once", "threshold", _SHARES, partial(smart_turn, schedule=(PIPECAT_STOP,)))
    yield System("Smart Turn, every 100 ms", "threshold", _SHARES, partial(smart_turn, schedule=EVERY_100_MS))
    yield System("Auricle, silence", "silence, ms", _SILENCES, partial(silence, latency_ms=latency_ms))
    yield System("punctuation", "silence, ms", _SILENCES, partial(punctuation, latency_ms=latency_ms))
    at_latency = partial(semantic, latency_ms=latency_ms)
    yield System("Auricle, semantic, words only", "threshold", _SHARES, partial(at_latency, signals="words"))
    yield System("Auricle, semantic, no Smart Turn", "threshold", _SHARES, partial(at_latency, signals="voice"))
    yield System("Auricle, semantic", "threshold", _SHARES, at_latency)


def _samples(milliseconds: float) -> int:
    return round(milliseconds * SAMPLE_RATE / 1000)
