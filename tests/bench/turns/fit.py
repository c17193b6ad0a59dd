"""Weights for `auricle_server.turns.fusion`: a logistic regression on the set that the evaluation does not use.

Every chunk of every silence is an example: the shortest silence after which a turn may end is over, nobody has gone on
yet, and the question is whether anybody will.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from auricle_server.turns.fusion import features, silence_of
from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.turns.simulate import LONGEST, SHORTEST, Signals, with_signals
from tests.bench.turns.traces import Trace

_RIDGE = 1e-4
_RISING = (0, 1, 2, 4)
"""Features that count silence: more of it never speaks against an end."""
_FORGETS = 0.5
"""Seconds of silence by which an example counts for less by a factor of e."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A regression.

    Attributes:
        bias: Log-odds of every silence.
        weights: Log-odds that each of `features` adds.
        loss: Mean negative log-likelihood, in nats.
        examples: How many.
    """

    bias: float
    weights: tuple[float, ...]
    loss: float
    examples: int


def examples(traces: Sequence[Trace], latencies: Sequence[int], signals: Signals) -> tuple[Floats, Floats]:
    """Features [N, F], and whether the turn had ended, [N]; of the decoder at each of these latencies."""
    rows = [row for latency in latencies for trace in traces for row in _of_trace(trace, latency, signals)]
    return np.array([values for values, _ in rows]), np.array([ended for _, ended in rows], np.float64)


def _of_trace(trace: Trace, latency_ms: int, signals: Signals) -> Iterator[tuple[tuple[float, ...], bool]]:
    heard = [with_signals(each, signals) for each in trace.heard(latency_ms)]
    positions = [each.position for each in heard]
    shortest, longest = SHORTEST * SAMPLE_RATE // 1000, LONGEST * SAMPLE_RATE // 1000
    for turn in trace.conversation.turns:
        for start, end, ended in turn.silences(longest):
            within = heard[bisect.bisect_right(positions, start) : bisect.bisect_right(positions, end)]
            yield from ((features(each), ended) for each in within if silence_of(each) >= shortest)


def fit(x: Floats, y: Floats) -> Fit:
    """Maximises the likelihood, with a ridge so slight that it only settles what the examples leave open.

    What is decided early matters most, so examples count for less the longer their silence.

    Args:
        x: Features, [N, F], silence in seconds first.
        y: 1 where the turn had ended, [N].
    """
    padded = np.column_stack([np.ones(len(x)), x])
    counts = np.exp(-x[:, 0] / _FORGETS)
    counts /= counts.sum()

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds, ridge = padded @ weights, np.concatenate([[0.0], weights[1:]])
        value = -counts @ (y * log_expit(odds) + (1 - y) * log_expit(-odds)) + _RIDGE * ridge @ ridge
        return float(value), padded.T @ (counts * (expit(odds) - y)) + 2 * _RIDGE * ridge

    bounds = [(None, None)] + [(0, None) if index in _RISING else (None, None) for index in range(x.shape[1])]
    found = minimize(loss, np.zeros(padded.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds)
    bias, *weights = (float(value) for value in found.x)
    return Fit(bias, tuple(weights), float(found.fun), len(y))
