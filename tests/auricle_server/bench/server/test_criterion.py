from __future__ import annotations

from dataclasses import replace

import pytest

from auricle_server.bench.report.summaries import Spread
from auricle_server.bench.server.criterion import Load, growth, problems

GOOD = Load(
    streams=8,
    latency_ms=160,
    seconds=10.0,
    ready_seconds=2.0,
    client_lateness=Spread(0.001, 0.002, 0.003, 0.004, 100),
    first_partial=Spread.of([0.3]),
    partial_lag=Spread.of([0.1]),
    final_after_speech=Spread.of([0.25]),
    final_after_finalize=Spread.of([0.02]),
    turn_end=Spread.of([0.7]),
    cut_ins=0,
    drift=0.0,
    missing=0,
    errors={},
    step_p50=0.01,
    step_p99=0.02,
    rows_p50=2.0,
    word_error_rate=10.0,
    word_error_rate_alone=10.05,
    cores={},
    gpu_percent=0.0,
    memory_megabytes={"worker": [100.0] * 40},
)


def test_a_good_run_has_no_problems() -> None:
    assert problems(GOOD) == []
    assert problems(GOOD, soak=True) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"client_lateness": Spread.of([0.02])}, "void"),
        ({"final_after_finalize": Spread.of([0.32])}, "finals late"),
        ({"final_after_finalize": Spread.of([])}, "no final"),
        ({"step_p99": 0.17}, "steps too long"),
        ({"drift": 0.2}, "lag grows"),
        ({"missing": 1}, "1 finals missing"),
        ({"errors": {"closed 1006": 1}}, "closed 1006"),
        ({"word_error_rate": 10.2}, "error rate"),
    ],
)
def test_each_fault_is_a_problem(change: dict[str, object], problem: str) -> None:
    (found,) = problems(replace(GOOD, **change))  # type: ignore[arg-type]
    assert problem in found


def test_growth_shows_only_in_a_soak() -> None:
    growing = replace(
        GOOD, memory_megabytes={"gateway": [100.0 + second for second in range(40)], "worker": [5.0] * 40}
    )
    assert problems(growing) == []
    assert [problem.split()[0] for problem in problems(growing, soak=True)] == ["gateway"]
    assert growth({"worker": [1.0, 2.0]}) == {}
