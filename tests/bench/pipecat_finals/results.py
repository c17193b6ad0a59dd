"""From what was heard to figures and a verdict. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auricle_server.bench.report.summaries import Spread
from auricle_server.demo.scores import count_errors
from tests.bench.pipecat_finals.events import FinalSeen, Ttfb, VadStop
from tests.bench.pipecat_finals.pipeline import STOP_SECONDS, UtteranceLog

MOST_MS = 1e3 * STOP_SECONDS + 80.0
"""Of the median from the end of speech to the finalized transcript, at every latency setting."""
MOST_LATENESS_MS = 10.0
MOST_DIFFERENCE_MS = 5.0
MOST_MISSING = 0.1
"""Share of utterances without a final beyond which the figures of the others say little."""


@dataclass(frozen=True, slots=True)
class UtteranceOutcome:
    """What came of one utterance; seconds.

    Attributes:
        text: All transcripts, joined.
        stops: How often the voice detection saw speech end.
        ttfs: From the end of speech, as the voice detection saw it last, to the finalized transcript, by Pipecat's
            metric; None without one.
        measured: The same by the frames.
        after_stop: From the voice detection's last stop, as the service was told it, to the finalized transcript.
        detection: From the true end of speech to that stop.
    """

    text: str
    stops: int
    ttfs: float | None = None
    measured: float | None = None
    after_stop: float | None = None
    detection: float | None = None


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Figures of one latency setting; milliseconds unless said otherwise.

    Attributes:
        latency_ms: The setting.
        utterances: How many were said.
        missing: Utterances without a finalized transcript for the last stop.
        stops: Of the voice detection, in all utterances.
        ttfs: Pipecat's metric.
        measured: The same by the frames.
        difference: Largest difference between the two.
        after_stop: From the voice detection's stop to the finalized transcript.
        detection: From the true end of speech to the voice detection's stop.
        word_error_rate: Errors per word.
        lateness_p99: Of the audio frames, behind the schedule.
    """

    latency_ms: int
    utterances: int
    missing: int
    stops: int
    ttfs: Spread
    measured: Spread
    difference: float
    after_stop: Spread
    detection: Spread
    word_error_rate: float
    lateness_p99: float

    @property
    def problems(self) -> list[str]:
        """Why the promise is not kept, or the figures are void; empty when all is well."""
        found = []
        if self.lateness_p99 > MOST_LATENESS_MS:
            found.append(f"void: the client was {self.lateness_p99:.1f} ms late (p99)")
        if self.difference > MOST_DIFFERENCE_MS:
            found.append(f"void: metric and frames differ by {self.difference:.1f} ms")
        if self.missing > MOST_MISSING * self.utterances:
            found.append(f"{self.missing} of {self.utterances} utterances without a final")
        if self.ttfs.p50 > MOST_MS:
            found.append(f"p50 {self.ttfs.p50:.0f} > {MOST_MS:.0f} ms")
        return found


def outcome(heard: UtteranceLog) -> UtteranceOutcome:
    """Of one utterance. A pause within it may stop the voice detection too; only the last stop is measured."""
    text = " ".join(event.text for event in heard.events if isinstance(event, FinalSeen))
    stops = [index for index, event in enumerate(heard.events) if isinstance(event, VadStop)]
    if not stops:
        return UtteranceOutcome(text, 0)
    stop, after = heard.events[stops[-1]], heard.events[stops[-1] + 1 :]
    assert isinstance(stop, VadStop)
    final = next((event for event in after if isinstance(event, FinalSeen) and event.finalized), None)
    if final is None:
        return UtteranceOutcome(text, len(stops))
    return UtteranceOutcome(
        text,
        len(stops),
        ttfs=next((event.value for event in after if isinstance(event, Ttfb)), None),
        measured=final.wall - stop.speech_end,
        after_stop=final.at - stop.at,
        detection=stop.at - heard.began - heard.utterance.speech_end,
    )


def row(latency_ms: int, heard: Sequence[UtteranceLog], lateness: Sequence[float]) -> LatencyRow:
    """Of one latency setting."""
    outcomes = [outcome(each) for each in heard]
    answered = [each for each in outcomes if each.measured is not None]
    pairs = [(each.ttfs, each.measured) for each in answered if each.ttfs is not None and each.measured is not None]
    counts = [count_errors(each.utterance.text, one.text) for each, one in zip(heard, outcomes, strict=True)]
    return LatencyRow(
        latency_ms=latency_ms,
        utterances=len(heard),
        missing=len(outcomes) - len(pairs),
        stops=sum(each.stops for each in outcomes),
        ttfs=_spread([metric for metric, _ in pairs]),
        measured=_spread([each.measured for each in answered]),
        difference=max((1e3 * abs(metric - frames) for metric, frames in pairs), default=0.0),
        after_stop=_spread([each.after_stop for each in answered]),
        detection=_spread([each.detection for each in answered]),
        word_error_rate=sum(errors for errors, _ in counts) / max(1, sum(words for _, words in counts)),
        lateness_p99=1e3 * float(np.percentile(lateness, 99)),
    )


def _spread(seconds: Sequence[float | None]) -> Spread:
    return Spread.of([1e3 * value for value in seconds if value is not None])
