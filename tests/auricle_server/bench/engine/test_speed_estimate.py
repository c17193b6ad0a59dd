"""The time of a whole model, estimated from a few of its layers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from auricle_server.bench.engine import speed_estimate
from auricle_server.bench.engine.speed_estimate import LAYERS, SpeedEstimate, SpeedEstimator
from auricle_server.bench.models import shapes
from auricle_server.bench.models.replicas import replica
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from auricle_server.engine.weight_formats import WeightFormat


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The English model with layers of the size of the demo model's."""
    demo = shapes.SHAPES["demo"]
    config = replace(demo, encoder=replace(demo.encoder, layers=24))
    monkeypatch.setitem(shapes.SHAPES, "en", config)


def test_the_factor_is_the_step_over_the_chunk() -> None:
    estimate = SpeedEstimate(WeightFormat.INT8, {80: 0.04, 560: 0.14})
    assert estimate.factor(80) == pytest.approx(0.5)
    assert estimate.factor(560) == pytest.approx(0.25)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("weights", [WeightFormat.FLOAT32, WeightFormat.FP16, WeightFormat.INT8])
def test_a_format_is_measured_at_every_latency(weights: WeightFormat) -> None:
    estimator = SpeedEstimator("en", threads=1)
    assert estimator.threads == torch.get_num_threads() == 1
    estimate = estimator.estimate(weights)
    assert estimate.weights is weights
    assert sorted(estimate.step_seconds) == [80, 160, 560, 1120]
    assert min(estimate.step_seconds.values()) > 0


@pytest.mark.usefixtures("small")
def test_the_layers_that_are_left_out_take_as_long_as_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_estimate, "_shortest_step", lambda *_: (0.1, 0.06))
    estimate = SpeedEstimator("en").estimate(WeightFormat.FLOAT32)
    assert estimate.step_seconds[80] == pytest.approx(0.1 + (24 - LAYERS) * 0.06 / LAYERS)


@pytest.mark.usefixtures("small")
def test_layers_take_a_part_of_their_step() -> None:
    part = speed_estimate._with_layers(replica("en", layers=1), 3)
    assert part.config.encoder.layers == 3
    engine = Engine(part, slots=1, hardware=Hardware("cpu"))
    step, layers = speed_estimate._shortest_step(engine, speed_estimate._LayersWatch(engine), 560)
    assert 0 < layers < step
    assert engine.slots_used == 0
