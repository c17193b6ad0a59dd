"""Estimates how long a published model takes for a second of audio on this CPU, in seconds and without the model.

An engine runs with a few layers of the encoder, of the real width and with random weights; all else has its real size.
The time of its layers is measured by itself, and each layer that is left out takes as long as one of them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from auricle_server.bench.clips import SAMPLE_RATE, load_clips, talk
from auricle_server.bench.models.replicas import replica
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from auricle_server.engine.memory import parameter_count
from auricle_server.engine.threads import default_threads
from auricle_server.engine.weight_formats import WeightFormat

LAYERS = 6
"""Layers of the engine. Like those of a whole model, their weights do not fit into a processor's cache."""
CHUNKS, FEWEST = 8, 2
"""Most and fewest measured chunks at each latency."""
WARM_UP = 1
"""Chunks that are not measured."""
SECONDS = 1.5
"""Time after which no further chunk of a latency is measured."""


@dataclass(frozen=True, slots=True)
class SpeedEstimate:
    """What a stream by itself is estimated to take.

    Attributes:
        weights: Format of the weights.
        step_seconds: Duration of a step, by chunk latency in milliseconds.
    """

    weights: WeightFormat
    step_seconds: Mapping[int, float]

    def factor(self, latency_ms: int) -> float:
        """Seconds for a second of audio; below 1, results keep up with speech."""
        return self.step_seconds[latency_ms] / (latency_ms / 1000)


class SpeedEstimator:
    """Estimates the speed of one model in several formats.

    Args:
        name: A published model, as in `SHAPES`.
        threads: CPU threads, for the whole process; None takes what a server would.

    Attributes:
        threads: CPU threads.
    """

    def __init__(self, name: str, threads: int | None = None) -> None:
        self.threads = threads or default_threads(parameter_count(SHAPES[name]), "cpu")
        torch.set_num_threads(self.threads)
        self._layers = SHAPES[name].encoder.layers
        self._part = _with_layers(replica(name, layers=1), LAYERS)

    def estimate(self, weights: WeightFormat) -> SpeedEstimate:
        """The estimate for a format.

        Raises:
            UnsupportedDtype: This CPU, or this build of PyTorch, does not have the format.
        """
        engine = Engine(self._part, slots=1, hardware=Hardware("cpu", torch.float32, weights=weights))
        watch, found = _LayersWatch(engine), {}
        for latency_ms in engine.info.latencies_ms:
            step, layers = _shortest_step(engine, watch, latency_ms)
            found[latency_ms] = step + layers * (self._layers - LAYERS) / LAYERS
        return SpeedEstimate(weights, found)


class _LayersWatch:
    """Adds up the time that an engine's layers take, in `seconds`."""

    def __init__(self, engine: Engine) -> None:
        self.seconds = 0.0
        model: Any = engine._runner._model  # type: ignore[attr-defined]  # noqa: SLF001 - no engine needs this but here
        self._layers, model._conformer = model._conformer, self  # noqa: SLF001 - see above

    def __call__(self, *inputs: Any) -> Any:
        began = time.perf_counter()
        encoded = self._layers(*inputs)
        self.seconds += time.perf_counter() - began
        return encoded


def _with_layers(drawn: Checkpoint, count: int) -> Checkpoint:
    """The model with `count` layers, each of which has the values of its only one; the engine packs them each."""
    prefix = "encoder.layers.0."
    weights = dict(drawn.weights)
    for index in range(1, count):
        for name, value in drawn.weights.items():
            if name.startswith(prefix):
                weights[f"encoder.layers.{index}.{name.removeprefix(prefix)}"] = value
    encoder = replace(drawn.config.encoder, layers=count)
    return replace(drawn, config=replace(drawn.config, encoder=encoder), weights=weights)


def _shortest_step(engine: Engine, watch: _LayersWatch, latency_ms: int) -> tuple[float, float]:
    """Seconds of the shortest step, and of its layers: other work on the machine only adds to them."""
    samples = round(latency_ms / 1000 * SAMPLE_RATE)
    pcm = talk(load_clips(), 0, (WARM_UP + CHUNKS) * latency_ms / 1000)
    lease, found, began = engine.open(latency_ms, engine.info.default_language), [], time.perf_counter()
    for number in range(WARM_UP + CHUNKS):
        watch.seconds, started = 0.0, time.perf_counter()
        engine.push(lease, pcm[number * samples : (number + 1) * samples])
        while engine.ready:
            engine.step()
        found.append((time.perf_counter() - started, watch.seconds))
        if len(found) >= WARM_UP + FEWEST and time.perf_counter() - began > SECONDS:
            break
    engine.close(lease)
    return min(found[WARM_UP:])
