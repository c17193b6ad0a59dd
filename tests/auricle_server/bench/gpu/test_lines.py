from __future__ import annotations

from dataclasses import asdict

from auricle_server.bench.gpu.arithmetic import Ceilings
from auricle_server.bench.gpu.limits import step_limit
from auricle_server.bench.gpu.lines import ceilings_line, limit_lines, shapes_lines
from tests.auricle_server.bench.gpu.test_limits import CEILINGS, STEP, WORK


def test_ceilings_in_words() -> None:
    assert ceilings_line(asdict(CEILINGS)) == (
        "the device copies 4.00 TB/s and multiplies 800.0 TFLOP/s, 400.0 with fp32 factors, 1600 in FP8"
    )
    assert ceilings_line(asdict(Ceilings(1e10, 1e11, 1e11))).endswith("0.1 with fp32 factors")


def test_shapes_in_words() -> None:
    captured = [
        {"shape": {"frames": 1, "rows": rows, "terms": False}, "seconds": rows / 1000, "bytes": 2_000_000}
        for rows in range(1, 9)
    ]
    lines = shapes_lines({"seconds": 3.21, "captured": captured})
    assert lines[:2] == ["built and warmed up in 3.2 s, 8 shapes", "  1 frames x 8 rows: 0.01 s, 2 MB"]
    assert len(lines) == 5


def test_a_step_in_words() -> None:
    lines = limit_lines(asdict(step_limit(STEP, WORK, CEILINGS)))
    assert lines[0] == (
        "1 frames x 2048 rows: a step takes 10.00 ms, 9.50 ms on the device, whose floor is 8.00 ms; "
        "the host waits for 4.00 ms"
    )
    assert lines[1].startswith("  bound by arithmetic units (products")
    assert lines[2] == (
        "  products     6.500 ms measured, at least 1.000 ms for its bytes and 6.000 ms for its operations"
    )
