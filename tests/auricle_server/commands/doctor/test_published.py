"""What the doctor says of the published models on a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import torch

from auricle_server.bench.engine.speed_estimate import SpeedEstimate
from auricle_server.commands.doctor import published
from auricle_server.commands.doctor.findings import CheckStatus, Finding
from auricle_server.engine import memory, weight_formats
from auricle_server.engine.weight_formats import WeightFormat

FACTORS = {
    WeightFormat.FLOAT32: {80: 4.0, 160: 2.5, 560: 0.9, 1120: 0.7},
    WeightFormat.FP16: {80: 1.2, 160: 0.75, 560: 0.4, 1120: 0.3},
    WeightFormat.INT8: {80: 0.7, 160: 0.5, 560: 0.2, 1120: 0.1},
}
"""Seconds for a second of audio."""


@dataclass
class Estimator:
    """Knows the times instead of measuring them."""

    factors: Mapping[WeightFormat, Mapping[int, float]]
    threads: int = 3

    def estimate(self, weights: WeightFormat) -> SpeedEstimate:
        return SpeedEstimate(weights, {each: value * each / 1000 for each, value in self.factors[weights].items()})


def slower(times: float) -> dict[WeightFormat, dict[int, float]]:
    return {each: {latency: times * value for latency, value in of.items()} for each, of in FACTORS.items()}


def findings(factors: Mapping[WeightFormat, Mapping[int, float]] = FACTORS) -> list[Finding]:
    return list(published.check_published(Estimator(factors)))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 16_000_000_000)
    monkeypatch.setattr(weight_formats, "has_fbgemm", lambda: True)


def test_each_format_says_its_memory_its_speed_and_from_where_it_keeps_up() -> None:
    exact, half, integers, _ = findings()
    assert [each.subject for each in (exact, half, integers)] == ["float32", "fp16-weights", "int8"]
    assert "2.7 GB (en) and 2.8 GB (3.5)" in exact.detail
    assert "0.9 GB (en) and 1.0 GB (3.5)" in integers.detail
    assert "about 1.20 s at 80 ms, 0.75 s at 160 ms, 0.40 s at 560 ms, 0.30 s at 1120 ms" in half.detail
    assert [each.detail.rpartition(": ")[2] for each in (exact, half, integers)] == [
        "keeps up from 1120 ms on",
        "keeps up from 160 ms on",
        "keeps up from 80 ms on",
    ]


def test_the_most_exact_format_that_is_fit_for_conversation_is_recommended() -> None:
    advice = findings()[-1]
    assert advice.verdict is CheckStatus.GOOD
    assert advice.remedy.endswith("--dtype fp16-weights --latency-ms 160 --threads 3")
    # At 160 ms only int8 keeps up then.
    assert findings(slower(1.5))[-1].remedy.endswith("--dtype int8 --latency-ms 160 --threads 3")
    # And here both do from 560 ms on.
    assert findings(slower(1.9))[-1].remedy.endswith("--dtype fp16-weights --latency-ms 560 --threads 3")


def test_a_machine_that_is_too_slow_is_told_so() -> None:
    found = findings(slower(20))
    assert {each.verdict for each in found} == {CheckStatus.NOTE}
    assert all(each.detail.endswith("too slow for a live stream") for each in found[:-1])
    assert "no format keeps up with speech here" in found[-1].detail
    assert "demo model" in found[-1].remedy


def test_a_format_that_does_not_fit_is_not_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 2_100_000_000)
    exact, half, *_, advice = findings()
    assert exact.detail.endswith("and 2.1 GB are free: too little")
    assert half.verdict is CheckStatus.GOOD
    assert "fp16-weights" in advice.remedy


def test_nothing_is_measured_without_memory_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 1_000_000_000)
    (finding,) = published.check_published()
    assert finding.verdict is CheckStatus.NOTE
    assert finding.detail.startswith("not measured: 1.0 GB of memory are free")


def test_a_processor_without_the_products_has_one_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_formats, "has_fbgemm", lambda: False)
    assert [each.subject for each in findings()] == ["float32", "published models"]


def test_a_busy_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (1000.0, 0.0, 0.0))
    assert "other programs use the processor (load 1000.0)" in findings()[-1].detail
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    assert "other programs" not in findings()[-1].detail


def test_of_a_machine_with_a_gpu_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert findings() == []
