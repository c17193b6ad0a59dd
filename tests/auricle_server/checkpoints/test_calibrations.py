"""A calibration beside its checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.checkpoints import BadCheckpoint, load_checkpoint
from auricle_server.checkpoints.calibrations import read_calibration, write_calibration
from auricle_server.text.calibration import WordCalibration
from tests.support import tones

CALIBRATION = WordCalibration(((80, 165.0, 95.5), (160, 160.0, 95.0)), (8.25, -3.5))


@pytest.mark.parametrize("name", ["model.nemo", "model.en.nemo", "folder"])
def test_it_comes_back_as_it_went(tmp_path: Path, name: str) -> None:
    checkpoint = tmp_path / name
    if name == "folder":
        checkpoint.mkdir()
    assert read_calibration(checkpoint) is None
    path = write_calibration(checkpoint, CALIBRATION)
    assert path.name == ("words.json" if name == "folder" else f"{checkpoint.stem}.words.json")
    assert read_calibration(checkpoint) == CALIBRATION


@pytest.mark.parametrize("text", ["", "[]", '{"delays_ms": 3}', '{"confidence": [1]}'])
def test_what_is_none_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.words.json").write_text(text)
    with pytest.raises(BadCheckpoint, match=r"model\.words\.json"):
        read_calibration(tmp_path / "model.nemo")


def test_a_checkpoint_is_loaded_with_it(tmp_path: Path) -> None:
    model = tmp_path / "tones.nemo"
    model.write_bytes(tones.CHECKPOINT.read_bytes())
    assert load_checkpoint(str(model)).words is None
    write_calibration(model, CALIBRATION)
    assert load_checkpoint(str(model)).words == CALIBRATION


def test_the_bundled_model_has_one() -> None:
    words = load_checkpoint("demo").words
    assert words is not None
    assert {latency for latency, *_ in words.delays_ms} == {80, 160, 560, 1120}
    assert words.confidence is not None
    assert words.confidence[0] > 0
