"""FP8 on tensor cores against the same rounding on the CPU; rings in FP8 are tested among the kernels."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from auricle_server.engine.ops.fp8_product import HOPPER, Fp8Product
from auricle_server.engine.weight_formats import WeightFormat
from tests.support import tones
from tests.support.engine.step_inputs import Source
from tests.support.feeding import Feeder

PLAIN = Hardware("cuda", torch.bfloat16, static=False, keyterms=False)
IN_FP8 = replace(PLAIN, weights=WeightFormat.FP8, fp8_rings=True)


@pytest.fixture(autouse=True)
def hopper() -> None:
    if torch.cuda.get_device_capability() < HOPPER:
        pytest.skip("needs compute capability 9.0")


@pytest.mark.parametrize("rows", [1, 7, 64, 1000])
@pytest.mark.parametrize(("size_in", "size_out"), [(1024, 4096), (4096, 1024), (1024, 3072)])
def test_products_equal_the_reference(rows: int, size_in: int, size_out: int) -> None:
    source = Source(rows, torch.device("cuda"))
    x, weight = source.normal(rows, size_in, dtype=torch.bfloat16), source.normal(size_out, size_in)
    product = Fp8Product(weight, None)
    expected = product._reference(x.float())
    error = (product(x).float() - expected).norm() / expected.norm()
    assert error < 0.01  # the result is bf16


def test_products_go_into_a_graph() -> None:
    source = Source(1, torch.device("cuda"))
    x, product = source.normal(64, 1024, dtype=torch.bfloat16), Fp8Product(source.normal(1024, 1024), None)
    expected = product(x)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = product(x)
    graph.replay()
    assert torch.equal(found, expected)


def test_the_encoder_in_fp8_is_near_that_in_bf16(checkpoint: Checkpoint) -> None:
    frames = []
    for hardware in (PLAIN, IN_FP8):
        engine = Engine(checkpoint, slots=4, hardware=hardware)
        jobs = {job: tones.utterance(job, 5)[0] for job in range(4)}
        found = Feeder(engine, 3, keep_encoded=True).run(jobs, 160, "en-US", 4)
        frames.append(torch.cat([chunk.cpu() for job in sorted(found) for chunk in found[job].encoded]))
    assert 0.001 < float((frames[1] - frames[0]).norm() / frames[0].norm()) < 0.15
