from __future__ import annotations

import itertools
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from demo_model.audio.phones import Phone
from demo_model.audio.voices import Rendered
from demo_model.corpus import synthesis
from demo_model.corpus.clips import read_shard
from demo_model.texts.sentences import Sentence


def test_held_out_shards_come_first_and_a_small_corpus_has_few() -> None:
    few = [name for name, _ in itertools.islice(synthesis.shard_names(0.1), 5)]
    assert few == ["dev-00000", "test-neural-00000", "test-classical-00000", "train-00000", "train-00001"]
    many = list(itertools.islice(synthesis.shard_names(50), 13))
    assert [name for name, _ in many].index("train-00000") == sum(synthesis.HELD_OUT_SHARDS.values())
    assert len({seed for _, seed in many}) == 13


def test_samples_are_whole_numbers_within_their_range() -> None:
    speech = Rendered(np.array([0.0, 2.0, -2.0, 0.5], np.float32), [Phone(None, 0, 1)])
    clip = synthesis.as_clip(Sentence("A.", "g"), speech, "voice", "en-US")
    assert clip.audio.dtype == np.int16
    assert clip.audio.tolist() == [0, 32767, -32767, 16383]


def test_voices_of_other_languages_are_native_ones_or_espeak_ngs(tmp_path: Path) -> None:
    worker = synthesis.CorpusWorker(synthesis.CorpusPlan(tmp_path, languages=("de-DE", "fr-FR")))
    rng = random.Random(0)

    def spoken(language: str, shard: str) -> set[str]:
        return {worker._voice(language, shard, rng).name for _ in range(60)}

    assert {name.split("-")[0] for name in spoken("fr-FR", "train-00001")} == {"kokoro", "espeak"}
    assert {name.split("-")[0] for name in spoken("fr-FR", "test-classical-00000")} == {"espeak"}
    assert {name.split("-")[0] for name in spoken("de-DE", "test-neural-00000")} == {"espeak"}
    assert all(name.startswith("kokoro-ff_siwis+") for name in spoken("fr-FR", "test-neural-00000"))


@pytest.mark.skipif(not (shutil.which("espeak-ng") and shutil.which("flite")), reason="no synthesisers")
def test_a_worker_speaks_a_shard_in_every_language_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "SENTENCES", 48)
    plan = synthesis.CorpusPlan(tmp_path, languages=("de-DE", "fr-FR"), classical=True)
    seconds = synthesis.CorpusWorker(plan).speak_shard("train-00000", 0)
    clips = read_shard(tmp_path / "train-00000.json")
    assert {clip.language for clip in clips} == {"de-DE", "fr-FR"}
    assert seconds == pytest.approx(sum(clip.seconds for clip in clips))
    assert all(clip.phones for clip in clips)
