"""What this machine can hold of the published models, in each format, before anything is downloaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from auricle_server.checkpoints.known.nemotron import ENGLISH, MULTILINGUAL
from auricle_server.commands.doctor.findings import CheckStatus, Finding
from auricle_server.dtypes import FLOAT32, FP16_WEIGHTS, INT8

if TYPE_CHECKING:
    from auricle_server.bench.engine.speed_estimate import SpeedEstimate, SpeedEstimator
    from auricle_server.engine.weight_formats import WeightFormat

ARCHITECTURES = {ENGLISH.id: "en", MULTILINGUAL.id: "3.5"}
"""Names of the published architectures (`bench.models.shapes`)."""
KEEPS_UP = 0.8
"""Seconds for a second of audio with which a stream keeps up; the rest is for gateways and voice detection."""
TALK_MS = 160
"""Chunk latency that is fit for conversation."""
_PROCESS = 300_000_000
"""Memory of a worker without its model: Python, PyTorch and its libraries."""
_NEEDED = 2_000_000_000
"""Free memory without which nothing is measured: the part of the model that is takes a third of it."""
_BUSY = 0.5
"""Load for each core from which on other programs slow the measurement down."""
_PREFERENCE = FP16_WEIGHTS, INT8, FLOAT32
"""fp16 weights change no word, and int8 few; float32 is slower than both."""


def check_published(estimator: SpeedEstimator | None = None) -> Iterator[Finding]:
    """What the published models take of a CPU: memory, and time for a second of audio by a quick measurement.

    On a machine with a GPU the models run there, and nothing is said.

    Args:
        estimator: Measures; None makes one for the English model. Both models have the same encoder.
    """
    try:
        from auricle_server.engine.build import resolve_device
        from auricle_server.engine.memory import free_memory
    except ImportError as error:
        yield Finding("published models", CheckStatus.BAD, f"cannot be checked: {error}", "see the lines above")
        return
    device = resolve_device("auto")
    if device.type != "cpu":
        return
    free = free_memory(device)
    if free < _NEEDED:
        detail = f"not measured: {free / 1e9:.1f} GB of memory are free, {_NEEDED / 1e9:.0f} GB are needed"
        yield Finding("published models", CheckStatus.NOTE, detail, "end other programs, and run this again")
        return
    measured = estimator or _estimator()
    fitting = []
    for weights in _formats():
        found = measured.estimate(weights)
        finding = _format_finding(found, free)
        yield finding
        fitting += [found] if finding.verdict is CheckStatus.GOOD else []
    yield _advice(fitting, measured.threads)


def _formats() -> list[WeightFormat]:
    from auricle_server.engine.weight_formats import WeightFormat, has_fbgemm

    of_a_cpu = [WeightFormat.FLOAT32, WeightFormat.FP16, WeightFormat.INT8]
    return of_a_cpu if has_fbgemm() else [WeightFormat.FLOAT32]


def _estimator() -> SpeedEstimator:
    from auricle_server.bench.engine.speed_estimate import SpeedEstimator

    return SpeedEstimator(ARCHITECTURES[ENGLISH.id])


def _format_finding(found: SpeedEstimate, free: int) -> Finding:
    """Memory and speed in one format."""
    needs = {name: _memory(name, found.weights) for name in ARCHITECTURES.values()}
    sizes = " and ".join(f"{need / 1e9:.1f} GB ({name})" for name, need in needs.items())
    if min(needs.values()) > free:
        detail = f"a server takes {sizes} of memory, and {free / 1e9:.1f} GB are free: too little"
        return Finding(str(found.weights), CheckStatus.NOTE, detail)
    times = ", ".join(f"{found.factor(each):.2f} s at {each} ms" for each in found.step_seconds)
    fast = _fast_enough(found)
    verdict = f"keeps up from {min(fast)} ms on" if fast else "too slow for a live stream"
    detail = f"a server takes {sizes} of memory; a second of audio about {times}: {verdict}"
    return Finding(str(found.weights), CheckStatus.GOOD if fast else CheckStatus.NOTE, detail)


def _advice(fitting: Sequence[SpeedEstimate], threads: int) -> Finding:
    """Which format and latency to choose, and what the figures are."""
    how = (
        f"estimated from a few layers of the English one with random weights, {threads} threads; "
        "`auricle bench engine --random-weights en` measures the whole"
    )
    load = os.getloadavg()[0]
    if load > _BUSY * len(os.sched_getaffinity(0)):
        how = f"{how}; other programs use the processor (load {load:.1f}), so it may be faster than this"
    subject = "published models"
    if not fitting:
        remedy = "take a machine with more cores or an NVIDIA GPU, or the demo model"
        return Finding(subject, CheckStatus.NOTE, f"no format keeps up with speech here; {how}", remedy)
    chosen, latency_ms = _choice(fitting)
    remedy = (
        f"auricle serve --model {ENGLISH.id} --dtype {chosen.weights} --latency-ms {latency_ms} --threads {threads}"
    )
    return Finding(subject, CheckStatus.GOOD, f"one live stream keeps up here; {how}", remedy)


def _choice(fitting: Sequence[SpeedEstimate]) -> tuple[SpeedEstimate, int]:
    """The most exact of the formats that are fit for conversation, or else the one with the least latency."""
    by_preference = sorted(fitting, key=lambda found: _PREFERENCE.index(str(found.weights)))
    least = {id(found): max(TALK_MS, min(_fast_enough(found))) for found in by_preference}
    best = min(by_preference, key=lambda found: least[id(found)])
    return best, least[id(best)]


def _fast_enough(found: SpeedEstimate) -> list[int]:
    return [latency_ms for latency_ms in found.step_seconds if found.factor(latency_ms) <= KEEPS_UP]


def _memory(name: str, weights: WeightFormat) -> int:
    """Bytes that a worker with one stream takes."""
    from auricle_server.bench.models.shapes import SHAPES
    from auricle_server.engine.memory import cpu_memory_need

    need = cpu_memory_need(SHAPES[name], weights)
    return need.weights + need.stream + _PROCESS
