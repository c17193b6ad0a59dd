"""The record can be shown to others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auricle_server.bench.quality.report.record import evaluation_record, model_of_record, without_folders
from auricle_server.bench.report.results import load, serialised
from tests.auricle_server.bench.quality.builders import row, score
from tests.support import tones


def test_it_holds_figures_and_no_words_names_or_addresses(tmp_path: Path) -> None:
    private = score("Attack at dawn.", "attack a lawn", speech=[(0, 3)], path=Path("/media/calls/meeting.wav"))
    rows = [row({0: private}), row({0: private}, name="other server", cures=None)]
    record = evaluation_record(rows, [private.clip], {"model": "demo"})
    text = serialised(record)
    for secret in ("dawn", "lawn", "calls", "meeting", "secret"):
        assert secret not in text.lower()
    (tmp_path / "record.json").write_text(text)
    (found,) = load(tmp_path)
    assert (found["kind"], found["figures"]["version"], found["figures"]["clips"]) == ("evaluate", 1, 1)
    assert found["figures"]["speech_known_by"] == {"manifest": 1}
    first, second = found["figures"]["rows"]
    assert (first["system"], first["cures"], first["mode"], first["latency_ms"]) == ("server", "profile", "live", 560)
    assert (second["system"], second["cures"]) == ("other server", None)
    assert first["figures"]["all"]["word_errors"]["value"] == pytest.approx(200 / 3)
    assert first["recordings"][0] | {"words": 3, "errors": 2, "deletions": 0, "insertions": 0} == first["recordings"][0]
    assert found["figures"]["comparisons"][0]["difference"]["value"] == 0.0


def test_a_model_is_named_without_folders() -> None:
    assert model_of_record("demo") == {"model": "demo", "revision": None}
    assert model_of_record(str(tones.CHECKPOINT)) == {"model": "tones_en.nemo", "revision": None}
    assert model_of_record(None) == {"model": None, "revision": None}
    assert without_folders("nvidia/some-model") == "nvidia/some-model"
    assert without_folders("/not/here/model.nemo") == "model.nemo"


def test_the_revision_of_a_downloaded_model_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--nvidia--some-model"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0123abcd")
    (folder / "snapshots" / "0123abcd").mkdir(parents=True)
    assert model_of_record("nvidia/some-model") == {"model": "nvidia/some-model", "revision": "0123abcd"}
    assert json.dumps(model_of_record("nvidia/other-model")["revision"]) == "null"
