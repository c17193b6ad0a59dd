from __future__ import annotations

import pytest
import torch

from auricle_server.bench.models import blank_bias
from auricle_server.bench.models.bench_models import bench_model, slots_that_fit
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints import load_checkpoint
from tests.support import tones


def test_a_checkpoint_keeps_its_archive() -> None:
    model = bench_model(str(tones.CHECKPOINT), None, device="cpu", threads=1)
    assert model.path == tones.CHECKPOINT
    with model.archive() as archive:
        assert archive == tones.CHECKPOINT
    assert model.tokens_per_second >= 0
    assert model.millions == pytest.approx(
        model.checkpoint.weights["encoder.pre_encode.out.weight"].numel() / 1e6, rel=100
    )


def test_random_weights_are_written_to_an_archive_for_other_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blank_bias, "ROUNDS", 1)
    model = bench_model("demo", "demo", device="cpu", threads=1)
    assert model.name == "random-demo"
    assert model.path is None
    with model.archive() as archive:
        assert load_checkpoint(str(archive)).config == model.checkpoint.config
    assert not archive.exists()


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match="no architecture 'huge'; choose one of en,"):
        bench_model("demo", "huge", device="cpu", threads=1)


def test_half_the_bytes_hold_twice_the_streams() -> None:
    cpu = torch.device("cpu")
    single, half = (slots_that_fit(SHAPES["en"], cpu, dtype) for dtype in (torch.float32, torch.bfloat16))
    assert half == pytest.approx(2 * single, abs=1)
    assert slots_that_fit(SHAPES["demo"], cpu, torch.float32) > 10 * single
