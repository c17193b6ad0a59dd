from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from demo_model.audio.phones import Phone
from demo_model.audio.voices import Rendered
from demo_model.corpus import lines, synthesis
from demo_model.corpus.clips import read_shard
from demo_model.texts.sentences import Sentence, is_held_out


def text_file(folder: Path, count: int = 400) -> Path:
    path = folder / "en.txt"
    path.write_text("\n".join(f"This is {word} of the sentences here." for word in words(count)))
    return path


def words(count: int) -> list[str]:
    return [
        "".join(letters) for letters in itertools.islice(itertools.product("bdfk", "aeiou", "lmnrst", "aeo"), count)
    ]


def test_held_out_shards_come_first_and_a_small_corpus_has_few() -> None:
    few = [name for name, _ in itertools.islice(synthesis.shard_names(0.1), 5)]
    assert few == ["dev-00000", "test-neural-00000", "test-classical-00000", "train-00000", "train-00001"]
    many = list(itertools.islice(synthesis.shard_names(50), 13))
    assert [name for name, _ in many].index("train-00000") == sum(synthesis.HELD_OUT_SHARDS.values())
    assert len({seed for _, seed in many}) == 13


def test_shards_speak_every_line_before_one_comes_again(tmp_path: Path) -> None:
    script = synthesis.Script((text_file(tmp_path),), held_out=False)
    spoken = [sentence for seed in range(4) for sentence in script.sentences(seed, 40) if sentence.group == lines.GROUP]
    texts = [sentence.text for sentence in spoken if ", " not in sentence.text]
    assert len(texts) == len(set(texts)) > 60
    assert script.sentences(2, 40) == script.sentences(2, 40)


def test_held_out_sentences_are_none_of_the_trained_ones(tmp_path: Path) -> None:
    file = text_file(tmp_path)
    trained = {s.text for seed in range(3) for s in synthesis.Script((file,), False).sentences(seed, 96)}
    first = synthesis.HELD_OUT_SEED
    held_out = [s for seed in range(2) for s in synthesis.Script((file,), True).sentences(first + seed, 96)]
    assert not {s.text for s in held_out if len(s.text.split()) > 3} & trained
    assert all(is_held_out(Sentence(s.text, s.group)) for s in held_out if "," not in s.text)


def test_samples_are_whole_numbers_within_their_range() -> None:
    speech = Rendered(np.array([0.0, 2.0, -2.0, 0.5], np.float32), [Phone(None, 0, 1)])
    clip = synthesis.as_clip(Sentence("A.", "g"), speech, "voice", "en-US")
    assert clip.audio.dtype == np.int16
    assert clip.audio.tolist() == [0, 32767, -32767, 16383]


@pytest.mark.skipif(not (shutil.which("espeak-ng") and shutil.which("flite")), reason="no synthesisers")
def test_a_worker_speaks_a_shard_in_every_language_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "SENTENCES", 48)
    plan = synthesis.CorpusPlan(tmp_path, languages=("de-DE", "fr-FR"))
    seconds = synthesis.CorpusWorker(plan).speak_shard("train-00000", 0)
    clips = read_shard(tmp_path / "train-00000.json")
    assert {clip.language for clip in clips} == {"de-DE", "fr-FR"}
    assert seconds == pytest.approx(sum(clip.seconds for clip in clips))
    assert all(clip.phones for clip in clips)
