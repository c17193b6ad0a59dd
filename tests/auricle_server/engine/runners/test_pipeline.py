"""What the steps in flight may not overtake, and the silence that slots start from."""

from __future__ import annotations

import numpy as np
import torch

from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.build import Hardware, build_runner
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.runners.eager import EagerRunner
from auricle_server.engine.runners.pipeline import StepPipeline
from auricle_server.engine.scheduling.batch_rows import FlushAnswer
from auricle_server.engine.scheduling.commands import FlushCommand
from auricle_server.engine.scheduling.restarts import RestartFrames

SIZES = (1, 2, 7, 14)
LEASES = np.array([0, 11, 12])


def made(checkpoint: Checkpoint) -> tuple[StepPipeline, EagerRunner]:
    runner = build_runner(checkpoint, 2, Hardware("cpu").resolved()).runner
    assert isinstance(runner, EagerRunner)
    return StepPipeline(runner, FrameGeometry(checkpoint.config)), runner


def test_answers_wait_for_nothing_while_no_step_is_in_flight(checkpoint: Checkpoint) -> None:
    pipeline, _ = made(checkpoint)
    assert pipeline.collect()[1] is None
    pipeline.answer([FlushAnswer(2, FlushCommand(7, False), 900)], LEASES)
    assert len(pipeline) == 1
    results, step = pipeline.collect()
    assert (results.leases.tolist(), results.marks.tolist(), results.samples.tolist()) == ([12], [7], [900])
    assert (step, len(pipeline)) == (None, 0)


@torch.inference_mode()
def test_the_warm_up_takes_the_largest_chunks_that_fit(checkpoint: Checkpoint) -> None:
    for wanted, sizes, possible in ((14, SIZES, 14), (17, SIZES, 17), (17, (7, 14), 14), (3, (7, 14), 0)):
        pipeline, _ = made(checkpoint)
        assert pipeline.warm_up_slots(RestartFrames(wanted, 60), sizes) == RestartFrames(possible, 60)


@torch.inference_mode()
def test_every_slot_starts_from_the_state_after_silence(checkpoint: Checkpoint) -> None:
    pipeline, runner = made(checkpoint)
    state = runner._model.state
    cold = [pool.clone() for _, pool in state._encoder_pools]
    pipeline.warm_up_slots(RestartFrames(14), SIZES)
    runner.reset([1, 2])
    changed = 0
    for before, (dim, pool) in zip(cold, state._encoder_pools, strict=True):
        first, second = pool.select(dim, 1), pool.select(dim, 2)
        assert torch.equal(first, second)
        changed += not torch.equal(first, before.select(dim, 1))
    assert changed >= 3  # the audio stays zero, and channels that answer to no silence may
    start = runner._model.network.start()
    assert torch.equal(state._prediction.hidden[:, 1], start.hidden[:, 0])
