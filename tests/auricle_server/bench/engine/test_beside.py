from __future__ import annotations

from itertools import count

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.bench.engine.beside import BASELINES, OURS, Comparison, check
from auricle_server.bench.engine.clocks import STOPWATCHES
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from tests.support import tones


class Slow:
    """Another engine: each stream of a round takes a quarter of a chunk of 80 ms."""

    name = "slow"

    def __init__(self) -> None:
        self.spent = 0.0
        self.sides: list[tuple[tuple[int, int], int, int]] = []

    def side(self, context: tuple[int, int], streams: int, batch: int) -> Slow:
        self.sides.append((context, streams, batch))
        return self

    def round(self, chunks: npt.NDArray[np.int16]) -> None:
        assert chunks.shape[1] == 1280
        self.spent += 0.02 * len(chunks)

    def close(self) -> None:
        pass


def test_engines_are_measured_on_one_stream_and_on_as_many_as_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, lines = Slow(), list[str]()
    readings = count()
    monkeypatch.setitem(STOPWATCHES, "wall", lambda: slow.spent + 1e-6 * next(readings))  # ours takes next to no time
    engine = Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=6, hardware=Hardware("cpu"), threads=1)
    found = Comparison(
        engine=engine,
        latency_ms=80,
        context=(70, 0),
        others={"sherpa-onnx": slow},
        start=2,
        most=6,
        rounds=2,
        stopwatch="wall",
        log=lines.append,
    ).measure()
    assert (found[OURS]["streams"], found["sherpa-onnx"]["streams"], found["sherpa-onnx"]["ratio"]) == (6, 3, 2)
    assert found["sherpa-onnx"]["seconds_per_second"] == pytest.approx(0.25, rel=1e-3)
    assert found["sherpa-onnx"]["chunks_per_second"] == pytest.approx(50, rel=1e-3)
    assert found[OURS]["seconds_per_second"] < 1e-3
    assert {context for context, _, _ in slow.sides} == {(70, 0)}
    assert slow.sides[0] == ((70, 0), 1, 1)
    assert any("slow 0.250 s" in line for line in lines)


def test_every_baseline_begins_with_a_batch_size() -> None:
    assert all(sizes and len(set(sizes)) == len(sizes) for sizes in BASELINES.values())
    with pytest.raises(ValueError, match="unknown baseline whisper; choose from nemo, sherpa-onnx, sherpa-onnx-int8"):
        check(("nemo", "whisper"))
