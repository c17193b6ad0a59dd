"""The experiments in FP8 on a CPU: the same rounding as on a GPU, through the whole engine."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.cures import Cures
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from auricle_server.engine.weight_formats import WeightFormat
from tests.support import tones
from tests.support.feeding import Feeder, Heard

EXACT = Hardware("cpu", torch.float32)
RINGS = replace(EXACT, fp8_rings=True)
PRODUCTS = Hardware("cpu", torch.bfloat16, weights=WeightFormat.FP8)
BOTH = replace(PRODUCTS, fp8_rings=True)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(str(tones.CHECKPOINT))


def heard(checkpoint: Checkpoint, hardware: Hardware, at_once: int = 5, cures: Cures | None = None) -> dict[int, Heard]:
    engine = Engine(checkpoint, slots=at_once, hardware=hardware, cures=cures or Cures())
    jobs = {job: tones.utterance(job, 5)[0] for job in range(8)}
    return Feeder(engine, 1, keep_encoded=True).run(jobs, 160, "en-US", at_once)


def encoded(found: dict[int, Heard]) -> torch.Tensor:
    return torch.cat([chunk for job in sorted(found) for chunk in found[job].encoded])


@pytest.mark.parametrize(
    ("hardware", "least", "most"), [(RINGS, 0.0005, 0.05), (PRODUCTS, 0.005, 0.15), (BOTH, 0.005, 0.15)]
)
def test_the_encoder_is_near_the_exact_one(
    checkpoint: Checkpoint, hardware: Hardware, least: float, most: float
) -> None:
    exact, found = (encoded(heard(checkpoint, each)) for each in (EXACT, hardware))
    assert least < float((found - exact).norm() / exact.norm()) < most


def test_the_company_of_other_streams_changes_no_word(checkpoint: Checkpoint) -> None:
    alone, crowded = (heard(checkpoint, RINGS, at_once) for at_once in (1, 6))
    assert {job: (one.tokens, one.frames) for job, one in alone.items()} == {
        job: (one.tokens, one.frames) for job, one in crowded.items()
    }


def test_fixed_shapes_find_the_same(checkpoint: Checkpoint) -> None:
    eager = heard(checkpoint, RINGS)
    engine = Engine(checkpoint, slots=5, hardware=replace(RINGS, static=True, max_frames=64))
    jobs = {job: tones.utterance(job, 5)[0] for job in range(8)}
    found = Feeder(engine, 1).run(jobs, 160, "en-US", 5)
    assert {job: one.tokens for job, one in found.items()} == {job: one.tokens for job, one in eager.items()}


def test_states_start_anew_with_rings_in_fp8(checkpoint: Checkpoint) -> None:
    cures, pause = Cures(warm_up_seconds=1.12, refresh_seconds=5), np.zeros(12 * 16_000, np.int16)
    spoken = [tones.utterance(job, 4)[0] for job in range(4)]
    engine = Engine(checkpoint, slots=3, hardware=RINGS, cures=cures)
    jobs = dict(enumerate(np.concatenate((one, pause, other)) for one, other in pairwise(spoken)))
    found = Feeder(engine, 1).run(jobs, 160, "en-US", 3)
    assert engine.restarts >= 3
    assert all(one.tokens for one in found.values())
