from __future__ import annotations

import pytest

from auricle_server.bench.gpu.arithmetic import Ceilings, Formats, Work, floor_seconds, step_work
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.engine.memory import parameter_count

EN = SHAPES["en"]


def parts(frames: int, rows: int, formats: Formats | None = None) -> dict[str, Work]:
    return {work.part: work for work in step_work(EN, frames, rows, formats)}


@pytest.mark.parametrize(("frames", "per_frame"), [(1, 1.24e9), (14, 1.20e9)])
def test_operations_of_a_frame_are_the_known_ones(frames: int, per_frame: float) -> None:
    """1.19 GFLOP for the encoder, and the decoding."""
    total = sum(work.flops + work.exact_flops for work in step_work(EN, frames, 100))
    assert total / 100 / frames == pytest.approx(per_frame, rel=0.02)


def test_keys_and_values_are_seven_megabytes_of_a_stream() -> None:
    one, two = (parts(1, rows)["attention"].bytes for rows in (1, 2))
    assert two - one == pytest.approx(6.88e6, rel=0.05)
    halved = parts(1, 1, Formats(cache=1.0))["attention"].bytes
    assert one - halved == pytest.approx(24 * 2 * 71 * 1024)


def test_one_row_costs_the_weights() -> None:
    weights = 2 * parameter_count(EN)
    assert parts(1, 1)["products"].bytes == pytest.approx(weights, rel=0.06)


def test_parts_follow_each_other_and_each_takes_its_longer_time() -> None:
    work = (Work("a", 8.0, 1.0), Work("b", 1.0, 6.0, 4.0))
    ceilings = Ceilings(bandwidth=4.0, bf16=2.0, tf32=1.0, fp8=4.0)
    assert [one.seconds(ceilings) for one in work] == [(2.0, 0.5), (0.25, 7.0)]
    assert floor_seconds(work, ceilings) == 9.0
    assert floor_seconds(work, ceilings, fp8=True) == 2.0 + 5.5
    assert floor_seconds(work, Ceilings(4.0, 2.0, 1.0), fp8=True) == 9.0


def test_a_prompt_changes_nothing_but_the_vocabulary() -> None:
    names = [work.part for work in step_work(SHAPES["3.5"], 4, 8)]
    assert names == [work.part for work in step_work(EN, 4, 8)]
