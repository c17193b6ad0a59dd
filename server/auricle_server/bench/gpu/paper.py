"""What the arithmetic says before a GPU has been asked: the tables of docs/gpu.md. Nothing here is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from auricle_server.bench.gpu.arithmetic import Ceilings, Formats, Work, floor_seconds, step_work
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.engine.build import CUDA_FRAMES, CUDA_ROWS
from auricle_server.engine.memory import memory_need

H200 = Ceilings(bandwidth=4.3e12, bf16=790e12, tf32=395e12, fp8=1580e12)
"""A copy and a bf16 product as read on one H200; TF32 is taken as half of bf16 and FP8 as twice, as data sheets say."""
H200_BYTES = 139 << 30
FP8_RING = Formats(cache=1 + 2 / 128)
FP8_PRODUCTS = Formats(weight=1.0)
EN = SHAPES["en"]
LATENCIES = {1: 80, 2: 160, 7: 560, 14: 1120}
"""Chunk latencies in milliseconds by encoder frames."""


def streams_table() -> str:
    """How many streams the floors leave room for, by chunk, as it is and with each experiment."""
    head = (
        "| Chunk | Floor of a full step | Streams by time | FP8 rings | FP8 products | Subsampling fused "
        "| SiLU fused | All four |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    return "\n".join([head, *(_row(frames) for frames in LATENCIES)])


def _row(frames: int) -> str:
    rows = min(CUDA_ROWS, CUDA_FRAMES // frames)
    both = replace(FP8_RING, weight=1.0)
    floors = {
        "as it is": _floor(frames, rows),
        "rings": _floor(frames, rows, FP8_RING),
        "products": _floor(frames, rows, FP8_PRODUCTS, fp8=True),
        "subsampling": _floor(frames, rows, subsampling=True),
        "silu": _floor(frames, rows, silu=True),
        "all": _floor(frames, rows, both, fp8=True, subsampling=True, silu=True),
    }
    streams = [f"{_streams(frames, rows, seconds):,}" for seconds in floors.values()]
    return f"| {LATENCIES[frames]} ms | {floors['as it is'] * 1e3:.1f} ms, {rows:,} rows | {' | '.join(streams)} |"


def _streams(frames: int, rows: int, seconds: float) -> int:
    """Streams whose chunks full steps of so many seconds keep up with, in hundreds."""
    return int(rows * LATENCIES[frames] / 1000 / seconds) // 100 * 100


def _floor(
    frames: int,
    rows: int,
    formats: Formats | None = None,
    *,
    fp8: bool = False,
    subsampling: bool = False,
    silu: bool = False,
) -> float:
    """The floor of a step where some passes over memory are fused away."""
    work = step_work(EN, frames, rows, formats)
    passes = EN.encoder.layers * 2 * 2 * rows * frames * EN.encoder.expansion * EN.encoder.d_model * 2.0
    [elementwise] = [part for part in work if part.part == "elementwise"]
    kept = (0.0 if subsampling else elementwise.bytes - passes) + (0.0 if silu else passes)
    return floor_seconds(tuple(_with_bytes(part, kept) for part in work), H200, fp8)


def _with_bytes(part: Work, kept: float) -> Work:
    return replace(part, bytes=kept) if part.part == "elementwise" else part


def parts_table() -> str:
    """Where the floor of a full step comes from, in microseconds for each of its rows."""
    columns = {frames: _parts(frames) for frames in (1, 14)}
    lines = [
        "| Part of a step | 80 ms: bytes | operations | 1120 ms: bytes | operations |",
        "| --- | --- | --- | --- | --- |",
    ]
    for part in columns[1]:
        cells = [f"{value:.2f} us" for frames in columns for value in columns[frames][part]]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _parts(frames: int) -> Mapping[str, tuple[float, float]]:
    rows = min(CUDA_ROWS, CUDA_FRAMES // frames)
    seconds = {work.part: work.seconds(H200) for work in step_work(EN, frames, rows)}
    return {part: (1e6 * moved / rows, 1e6 * computed / rows) for part, (moved, computed) in seconds.items()}


def slots(fp8_rings: bool) -> int:
    """Streams for which an H200 has memory, by the rule of `state_pool.fitting_slots`, in hundreds."""
    need = memory_need(EN, torch.bfloat16)
    values = 2 * EN.encoder.layers * 70 * EN.encoder.d_model
    scales = 2 * 2 * EN.encoder.layers * 70 * EN.encoder.heads
    stream = need.stream - (values - scales if fp8_rings else 0)
    return replace(need, stream=stream).streams(H200_BYTES, torch.device("cuda")) // 100 * 100
