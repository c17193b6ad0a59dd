from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from auricle_server.bench.models import bench_models, blank_bias
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


def test_random_weights_are_stored_for_other_processes_and_mapped_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blank_bias, "ROUNDS", 1)
    lines: list[str] = []
    drawn = bench_model("demo", "demo", device="cpu", threads=1, log=lines.append)
    with drawn.stored(lines.append) as (name, stored):
        again = load_checkpoint(name)
        assert stored.name == stored.checkpoint.name == "random-demo"
        assert stored.tokens_per_second == drawn.tokens_per_second
        for weights in (again.weights, stored.checkpoint.weights):
            assert all(torch.equal(weights[key], value) for key, value in drawn.checkpoint.weights.items())
        assert (again.config, again.pieces) == (drawn.checkpoint.config, drawn.checkpoint.pieces)
    assert not Path(name).exists()
    assert lines[0] == "drawing random weights for demo"
    assert lines[-1].startswith("writing the weights to ")


def test_a_disk_without_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blank_bias, "ROUNDS", 1)
    drawn = bench_model("demo", "demo", device="cpu", threads=1)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ValueError, match=r"has 0\.0 GB free; set TMPDIR"), drawn.stored():
        pass


def test_a_checkpoint_is_stored_already() -> None:
    model = bench_model(str(tones.CHECKPOINT), None, device="cpu", threads=1)
    with model.stored() as (name, stored):
        assert (name, stored) == (str(tones.CHECKPOINT), model)


def test_progress_is_logged_now_and_then() -> None:
    lines: list[str] = []
    now = 0.0
    progress = bench_models._layers_drawn(lines.append, lambda: now)
    for layer in range(1, 9):
        now += 2.0
        progress(layer, 8)
    assert lines == ["3 of 8 layers drawn", "6 of 8 layers drawn"]


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match="no architecture 'huge'; choose one of en,"):
        bench_model("demo", "huge", device="cpu", threads=1)


def test_half_the_bytes_hold_twice_the_streams() -> None:
    cpu = torch.device("cpu")
    single, half = (slots_that_fit(SHAPES["en"], cpu, dtype) for dtype in (torch.float32, torch.bfloat16))
    assert half == pytest.approx(2 * single, abs=1)
    assert slots_that_fit(SHAPES["demo"], cpu, torch.float32) > 10 * single
