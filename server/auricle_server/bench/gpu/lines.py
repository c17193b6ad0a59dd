"""Measurements of `auricle bench steps` in words, from their record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SLOWEST = 4
"""Shapes that are named one by one."""


def ceilings_line(ceilings: Mapping[str, Any]) -> str:
    """What the device does at most."""
    fp8 = f", {ceilings['fp8'] / 1e12:.0f} in FP8" if ceilings["fp8"] else ""
    return (
        f"the device copies {ceilings['bandwidth'] / 1e12:.2f} TB/s and multiplies {ceilings['bf16'] / 1e12:.1f} "
        f"TFLOP/s, {ceilings['tf32'] / 1e12:.1f} with fp32 factors{fp8}"
    )


def shapes_lines(warm_up: Mapping[str, Any]) -> list[str]:
    """What warming up took."""
    captured = warm_up["captured"]
    lines = [f"built and warmed up in {warm_up['seconds']:.1f} s, {len(captured)} shapes"]
    slowest = sorted(captured, key=lambda one: -float(one["seconds"]))[:SLOWEST]
    for one in slowest:
        shape = one["shape"]
        lines.append(
            f"  {shape['frames']} frames x {shape['rows']} rows: {one['seconds']:.2f} s, {one['bytes'] / 1e6:.0f} MB"
        )
    return lines


def limit_lines(limit: Mapping[str, Any]) -> list[str]:
    """A step, and what bounds it."""
    step = limit["step"]
    head = (
        f"{step['frames']} frames x {step['rows']} rows: a step takes {step['period'] * 1e3:.2f} ms, "
        f"{step['device'] * 1e3:.2f} ms on the device, whose floor is {limit['floor'] * 1e3:.2f} ms; "
        f"the host waits for {step['waited'] * 1e3:.2f} ms"
    )
    lines = [head, f"  bound by {limit['bound']}"]
    for part in limit["parts"]:
        measured = "" if part["measured"] is None else f"{part['measured'] * 1e3:.3f} ms measured, "
        lines.append(
            f"  {part['part']:12} {measured}at least {part['memory'] * 1e3:.3f} ms for its bytes and "
            f"{part['arithmetic'] * 1e3:.3f} ms for its operations"
        )
    return lines
