"""What each signal is worth by itself: how well it tells an ended turn from a pause, as long as both are silent.

The area under the ROC curve: the probability that the signal is greater at a random turn end than in a random pause of
at least the same silence; one half says nothing.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scipy.stats import rankdata

from auricle_server.text.closing_marks import FULL_STOPS
from auricle_server.turns import TurnEvidence
from auricle_server.turns.fusion import likelihood
from auricle_server.turns.word_lists import is_spelled, is_unfinished
from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.turns.simulate import EVERY_100_MS
from tests.bench.turns.traces import Trace

SILENCES = (0.2, 0.4, 0.6)
"""Seconds behind the true end of speech."""
LATENCY_MS = 160


@dataclass(frozen=True)
class Silence:
    """A moment in a silence.

    Attributes:
        ended: Whether the turn has.
        kind: Of pause; empty when the turn has ended.
        condition: Of the conversation.
        heard: What was known.
    """

    ended: bool
    kind: str
    condition: str
    heard: TurnEvidence = field(repr=False)


def _smart_turn(heard: TurnEvidence) -> float:
    return 0.5 if heard.voice is None or heard.voice.complete is None else heard.voice.complete


def _quiet(heard: TurnEvidence) -> float:
    return 0.0 if heard.voice is None else 1 - heard.voice.speech


def _blank_run(heard: TurnEvidence) -> float:
    return 0.0 if heard.speech_end is None else float(heard.position - heard.speech_end)


def _marks(heard: TurnEvidence) -> float:
    """A full stop says that all is said, any other mark that it is not."""
    if not heard.closing:
        return 0.0
    return 1.0 if heard.closing[-1] in FULL_STOPS else -1.0


def _last_word(heard: TurnEvidence) -> float:
    """A sentence goes on after some words, and a row of digits or letters may."""
    return -2.0 * is_unfinished(heard.last_word) - is_spelled(heard.last_word)


SIGNALS: Mapping[str, Callable[[TurnEvidence], float]] = {
    "Smart Turn": _smart_turn,
    "punctuation": _marks,
    "last word": _last_word,
    "blank run of the decoder": _blank_run,
    "silence by Silero": _quiet,
    "end of utterance token": lambda heard: float(heard.utterance_ended),
    "all, fused": likelihood,
}


def moments(traces: Sequence[Trace], seconds: float, latency_ms: int = LATENCY_MS) -> Iterator[Silence]:
    """What was known so long after each true end of speech, and in each pause that lasts at least as long."""
    for trace in traces:
        heard = trace.heard(latency_ms, EVERY_100_MS)
        positions = [each.position for each in heard]
        for turn in trace.conversation.turns:
            kinds = [*(pause.kind for pause in turn.pauses), ""]
            for kind, (start, end, ended) in zip(kinds, turn.silences(SAMPLE_RATE), strict=True):
                at = start + round(seconds * SAMPLE_RATE)
                known = bisect.bisect_right(positions, at)
                if at <= end and known:
                    yield Silence(ended, kind, trace.conversation.condition, heard[known - 1])


Areas = dict[str, float | None]
"""By signal."""


def area(ended: Sequence[float], paused: Sequence[float]) -> float | None:
    """Under the ROC curve, ties counting half; None when there is nothing to compare."""
    if not ended or not paused:
        return None
    ranks = rankdata([*ended, *paused])
    return float((ranks[: len(ended)].sum() - len(ended) * (len(ended) + 1) / 2) / (len(ended) * len(paused)))


def areas(silences: Sequence[Silence]) -> Areas:
    """Of every signal."""
    return {
        name: area(*([signal(one.heard) for one in silences if one.ended is ended] for ended in (True, False)))
        for name, signal in SIGNALS.items()
    }


def table(traces: Sequence[Trace], latency_ms: int = LATENCY_MS) -> dict[str, dict[str, Areas]]:
    """By silence in milliseconds: of all, for each condition, and for each kind of pause against all turn ends."""
    at = {f"{seconds * 1000:.0f}": list(moments(traces, seconds, latency_ms)) for seconds in SILENCES}
    return {silence: _divided(silences) for silence, silences in at.items()}


def _divided(silences: Sequence[Silence]) -> dict[str, Areas]:
    conditions, kinds = sorted({one.condition for one in silences}), sorted({one.kind for one in silences} - {""})
    return {
        "all": areas(silences),
        **{name: areas([one for one in silences if one.condition == name]) for name in conditions},
        **{name: areas([one for one in silences if one.kind in {name, ""}]) for name in kinds},
    }
