"""Programs of fixed shapes, as CUDA graphs hold them, run here operation by operation on the CPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.checkpoints.nemo.adapters import AdapterConfig
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from auricle_server.engine.runners.cuda_graphs import StaticRunner
from tests.support import tones
from tests.support.feeding import Feeder, Heard

EAGER = Hardware("cpu", max_frames=64)
STATIC = Hardware("cpu", max_frames=64, static=True)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(str(tones.CHECKPOINT))


def heard(engine: Engine, latency_ms: int, seed: int) -> dict[int, Heard]:
    jobs = {job: tones.utterance(seed + job, 4)[0] for job in range(9)}
    jobs |= {9: jobs[0][:0], 10: jobs[1][:159], 11: jobs[2][:1500]}
    return Feeder(engine, seed).run(jobs, latency_ms, "en-US", at_once=5)


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("latency_ms", [80, 160, 560, 1120])
def test_static_programs_find_what_eager_ones_find(checkpoint: Checkpoint, latency_ms: int, depth: int) -> None:
    engine = Engine(checkpoint, slots=5, hardware=STATIC)
    assert isinstance(engine._runner, StaticRunner)
    engine._runner.depth = depth  # a batch on its way while the next is assembled, as on CUDA
    expected = heard(Engine(checkpoint, slots=5, hardware=EAGER), latency_ms, seed=latency_ms)
    found = heard(engine, latency_ms, seed=latency_ms)
    for job, one in expected.items():
        assert (found[job].tokens, found[job].frames) == (one.tokens, one.frames)
    assert sum(len(one.tokens) for one in expected.values()) > 20
    assert engine.slots_used == engine.ready == 0


def test_static_programs_compute_adapters(checkpoint: Checkpoint) -> None:
    prefix, generator = "encoder.layers.0.adapter_layer.mine.module", torch.Generator().manual_seed(2)
    weights = {**checkpoint.weights, f"{prefix}.0.weight": torch.ones(64), f"{prefix}.0.bias": torch.zeros(64)}
    weights |= {f"{prefix}.1.weight": torch.randn(4, 64, generator=generator)}
    weights |= {f"{prefix}.3.weight": torch.randn(64, 4, generator=generator)}
    weights |= {name.replace(".0.", ".1.", 1): value for name, value in weights.items() if prefix in name}
    encoder = replace(checkpoint.config.encoder, adapters=(AdapterConfig("mine", 4),))
    adapted = replace(checkpoint, weights=weights, config=replace(checkpoint.config, encoder=encoder))
    eager, static = (heard(Engine(adapted, slots=5, hardware=each), 160, seed=3) for each in (EAGER, STATIC))
    assert [(one.tokens, one.frames) for one in static.values()] == [(one.tokens, one.frames) for one in eager.values()]
    plain = heard(Engine(checkpoint, slots=5, hardware=STATIC), 160, seed=3)
    assert [one.tokens for one in static.values()] != [one.tokens for one in plain.values()]


def test_a_search_goes_on_for_as_many_rounds_as_it_takes(checkpoint: Checkpoint) -> None:
    """Many labels in one chunk: more than the first program's rounds."""
    audio = tones.utterance(7, 6, trailing=0.0)[0]
    engine = Engine(checkpoint, slots=1, hardware=STATIC)
    lease = engine.open(1120, "en-US")
    engine.push(lease, audio)
    engine.flush(lease, 0, last=True)
    counts = []
    while engine.ready:
        counts += engine.step().counts.tolist()
    assert max(counts) > 2


def test_an_answer_does_not_overtake_the_words_before_it(checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, slots=2, hardware=STATIC)
    engine._runner.depth = 1
    other, lease = engine.open(80, "en-US"), engine.open(80, "en-US")
    engine.push(lease, np.zeros(1480, np.int16))
    engine.step()
    engine.step()
    engine.flush(lease, 5)  # nothing is left to decode, and the second chunk has not landed
    engine.push(other, np.zeros(200, np.int16))
    rows = []
    while engine.ready:
        rows += [row for row in engine.step().rows() if row.lease == lease]
    assert [(row.samples, row.mark) for row in rows] == [(1480, None), (1480, 5)]


def test_a_slot_taken_anew_while_a_batch_is_on_its_way_starts_clean(checkpoint: Checkpoint) -> None:
    audio, text = tones.utterance(11, 5)
    engine = Engine(checkpoint, slots=1, hardware=STATIC)
    engine._runner.depth = 1
    first = engine.open(160, "en-US")
    engine.push(first, audio)
    engine.step()
    engine.close(first)
    second = engine.open(160, "en-US")
    assert second.slot == first.slot
    engine.push(second, audio)
    engine.flush(second, 0, last=True)
    tokens: list[int] = []
    while engine.ready:
        results = engine.step()
        assert (results.leases == second.id).all()
        tokens += results.tokens.tolist()
    assert "".join(engine.info.pieces[token] for token in tokens).replace("\u2581", " ").strip() == text


def test_a_batch_runs_in_the_next_larger_shape_that_is_captured(checkpoint: Checkpoint) -> None:
    """Whatever is captured, and at whatever moment, the words are the same."""
    expected = heard(Engine(checkpoint, slots=5, hardware=EAGER), 560, seed=1)
    engine = Engine(checkpoint, slots=40, hardware=STATIC)
    runner = engine._runner
    assert isinstance(runner, StaticRunner)
    assert runner._rows_of(7, 5) == 8
    assert not engine.warm_up(0.0)
    needed = [shape.shape for shape in runner.captured]
    assert [(shape.frames, shape.rows) for shape in needed] == 2 * [(1, 40), (2, 32), (7, 10), (14, 4)]
    assert (runner._rows_of(7, 5), runner._rows_of(1, 40)) == (10, 40)
    for _ in range(2):
        found = heard(engine, 560, seed=1)
        assert {job: one.tokens for job, one in found.items()} == {job: one.tokens for job, one in expected.items()}
        engine.warm_up(0.0)
    assert engine.warm_up(0.0)
    assert runner._rows_of(7, 5) == 8
    assert len(runner.captured) == 2 * sum(map(len, runner._counts.values()))
    assert all(shape.seconds > 0 and shape.bytes == 0 for shape in runner.captured)


def test_rows_that_pad_a_batch_change_nothing_but_the_trash_slot(checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, slots=6, hardware=STATIC)
    leases = [engine.open(80, "en-US") for _ in range(5)]
    for lease in leases:
        engine.push(lease, tones.utterance(lease.slot, 2)[0][:3000])
    while engine.ready:
        assert engine.step().computed == 5  # the shape has six rows
    state = engine._runner._model.state  # type: ignore[attr-defined]
    assert not state._keys[:, 6].any(), "no stream has slot 6"
    assert state._keys[:, 5].any()
    assert torch.isfinite(state._keys).all()
    assert torch.isfinite(state._history).all()
