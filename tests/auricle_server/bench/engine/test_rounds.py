from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.bench.clips import PACKET_SAMPLES, Speakers
from auricle_server.bench.engine.clocks import STOPWATCHES
from auricle_server.bench.engine.rounds import Capacity, EngineSide, capacity, ratio
from auricle_server.bench.report.summaries import Spread
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from tests.support import tones


class Counting:
    """A side that takes a fixed time for each stream, less in its favourite batch."""

    name = "counting"

    spent = 0.0

    def __init__(self, streams: int, batch: int) -> None:
        self._cost = streams * (0.0004 if batch == 4 else 0.001)
        self.closed = False

    def round(self, chunks: npt.NDArray[np.int16]) -> None:
        Counting.spent += self._cost

    def close(self) -> None:
        self.closed = True


def test_the_best_batch_is_found_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STOPWATCHES, "wall", lambda: Counting.spent)
    found = capacity(Counting, 20, start=4, most=400, batches=(8, 4), rounds=3, stopwatch="wall")
    assert found.batch == 4
    assert 46 <= found.streams < 50  # 50 take the whole chunk, and the search is precise to 6 %
    assert found.name == "counting"
    assert {batch for _, batch, _, _ in found.tried} == {8, 4}


def of(streams: int, p50: float) -> Capacity:
    return Capacity("x", streams, 1, Spread(p50, p50, p50, p50, 1), ((max(streams, 1), 1, p50, p50),))


def test_the_ratio_is_of_streams_or_else_of_chunks_per_second() -> None:
    assert ratio(of(30, 0.1), of(10, 0.1)) == 3
    ours, theirs = of(14, 0.07), replace(of(0, 0.2), tried=((1, 1, 0.1, 0.11), (8, 8, 0.2, 0.21)))
    assert ratio(ours, theirs) == pytest.approx((14 / 0.07) / (8 / 0.2))
    assert math.isnan(ratio(replace(ours, tried=()), theirs))


def test_a_round_computes_one_chunk_of_every_stream() -> None:
    engine = Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=3, hardware=Hardware("cpu"), threads=1)
    side, rows = EngineSide(engine, 3, 80), np.arange(3)
    pcm = tones.utterance(5, 12)[0]
    for number in range(30):
        chunk = pcm[number * 1280 : (number + 1) * 1280]
        side.round(np.stack([chunk] * 3))
        assert engine.ready == 0
    assert side.tokens[0] == side.tokens[1] == side.tokens[2] != []
    side.close()
    assert engine.slots_used == 0
    assert len(Speakers(3).packet(rows, 0)) == 3 * PACKET_SAMPLES
