from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from auricle_server.checkpoints.load import load_checkpoint
from demo_model import __main__ as recipe
from demo_model import tokenizer, train
from demo_model.corpus import synthesis


@pytest.mark.skipif(not (shutil.which("espeak-ng") and shutil.which("flite")), reason="no synthesisers")
@pytest.mark.timeout(400)
def test_one_command_goes_from_nothing_to_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "en.txt"
    text.write_text("\n".join(f"I'd like {count} cups of tea and a {cake} cake." for count in ("two", "six", "ten")
                              for cake in ("small", "large", "cheap", "round", "sweet")))  # fmt: skip
    monkeypatch.setattr(tokenizer, "TRAINING_SENTENCES", 3000)
    monkeypatch.setattr(train, "DEV_EXAMPLES", 1)  # what is hardly trained says ten tokens a frame
    monkeypatch.setattr(synthesis, "SENTENCES", 8)
    work, archive = tmp_path / "work", tmp_path / "model.nemo"
    command = [
        "recipe", "all", "--work", str(work), "--text", str(text), "--classical", "--hours", "0.001", "--workers", "1",
        "--minutes", "0.05", "--threads", "1", "--batch-seconds", "12", "--sentences", "1", "--out", str(archive),
    ]  # fmt: skip
    monkeypatch.setattr("sys.argv", command)
    recipe.main()
    printed = capsys.readouterr().out
    figures = json.loads(printed[printed.index("{\n") :])
    assert figures["1120 ms"]["all"]["sentences"] == 1
    assert load_checkpoint(str(archive)).config.encoder.layers == 7

    shards = {path: path.stat().st_mtime_ns for path in (work / "corpus").glob("*.json")}
    monkeypatch.setattr("sys.argv", [*command[:1], "train", *command[2:], "--resume", "--minutes", "0.08"])
    recipe.main()
    assert "step" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (work / "corpus").glob("*.json")} == shards
