from __future__ import annotations

import json
from pathlib import Path

import soundfile

from demo_model.corpus import evaluation_set
from demo_model.corpus.feeder import FeederOptions
from tests.demo_model.corpus.test_examples import shard


def test_recordings_lie_beside_a_manifest_by_kind(tmp_path: Path) -> None:
    shard(tmp_path / "corpus", "test-neural-00000", count=6)
    shard(tmp_path / "corpus", "test-classical-00000", count=4)
    shard(tmp_path / "corpus", "train-00000", count=4)
    written = evaluation_set.write(FeederOptions(tmp_path / "corpus"), tmp_path / "set")
    assert written == {"classical-clean": 2, "classical-disturbed": 2, "neural-clean": 3, "neural-disturbed": 3}
    manifest = (tmp_path / "set" / "neural-disturbed" / "manifest.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in manifest]
    assert [row["text"] for row in rows] == ["Word 1.", "Word 3.", "Word 5."]
    for row in rows:
        assert soundfile.info(tmp_path / "set" / "neural-disturbed" / row["audio"]).samplerate == 16_000
