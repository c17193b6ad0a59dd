"""Which settings are put side by side."""

from __future__ import annotations

import pytest

from auricle_server.bench.quality.comparison import compare
from auricle_server.bench.quality.stream_mode import StreamMode
from tests.auricle_server.bench.quality.builders import row, score

RIGHT, WRONG = score("come here", "come here"), score("come here", "come there")


def test_another_system_is_compared_at_the_same_mode_and_latency() -> None:
    first, other = row({0: WRONG, 1: WRONG}), row({0: RIGHT, 1: RIGHT}, name="other server", cures=None)
    rows = [
        first,
        row({0: RIGHT}, system=first.system, latency_ms=80),
        row({0: RIGHT}, system=first.system, mode=StreamMode.REFINED),
        other,
        row({0: WRONG}, system=other.system, latency_ms=160),
    ]
    (pair,) = compare(rows)
    assert (pair.first, pair.second, pair.recordings) == (0, 3, 2)
    assert pair.difference.value == pytest.approx(-50.0)
    assert pair.is_clear


def test_cures_are_compared_too() -> None:
    (pair,) = compare([row({0: RIGHT}), row({0: RIGHT}, cures="off")])
    assert (pair.difference.value, pair.is_clear) == (0.0, False)


def test_only_recordings_of_both_are_compared() -> None:
    (pair,) = compare([row({0: RIGHT, 1: RIGHT}), row({1: WRONG, 2: WRONG}, cures="off")])
    assert (pair.recordings, pair.difference.value) == (1, 50.0)
    assert compare([row({0: RIGHT}), row({1: WRONG}, cures="off")]) == []


def test_a_system_without_latencies_is_compared_at_each() -> None:
    first = row({0: RIGHT})
    rows = [first, row({0: RIGHT}, system=first.system, latency_ms=80), row({0: RIGHT}, name="other", latency_ms=None)]
    assert [(pair.first, pair.second) for pair in compare(rows)] == [(0, 2), (1, 2)]


def test_one_system_is_compared_with_nothing() -> None:
    assert compare([]) == []
    assert compare([row({0: RIGHT})]) == []
