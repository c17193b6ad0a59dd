"""The whole engine over the kernels: what it hears equals what it hears over the portable operations."""

from __future__ import annotations

import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from auricle_server.engine.ops import Ops
from tests.support import tones
from tests.support.engine.kernels import device_of_kernels
from tests.support.feeding import Feeder


@pytest.mark.parametrize(("latency_ms", "static"), [(80, True), (560, True), (160, False)])
def test_the_engine_hears_the_same_over_either_implementation(kernels: Ops, latency_ms: int, static: bool) -> None:
    checkpoint = load_checkpoint(str(tones.CHECKPOINT))
    audio = {job: tones.utterance(30 + job, 2, trailing=0.05)[0][: 16_000 - 1500 * job] for job in range(3)}
    heard = []
    for hardware in (
        Hardware("cpu"),
        Hardware(str(device_of_kernels()), dtype=torch.float32, max_frames=56, kernels=True, static=static),
    ):
        found = Feeder(Engine(checkpoint, slots=2, hardware=hardware), seed=1).run(audio, latency_ms, "en-US", 2)
        heard.append({job: (found[job].tokens, found[job].frames) for job in audio})
    assert heard[0] == heard[1]
    assert sum(len(tokens) for tokens, _ in heard[0].values()) >= 3
