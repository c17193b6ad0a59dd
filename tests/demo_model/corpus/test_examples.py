from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from demo_model.audio.phones import IGNORED, INDEX, Phone
from demo_model.audio.recordings import Recordings
from demo_model.corpus import examples
from demo_model.corpus.clips import SentenceClip, write_shard


def clip(text: str, voice: str, seconds: float = 0.4, language: str = "en-US") -> SentenceClip:
    tone = 8000 * np.sin(np.arange(int(seconds * 16000)) * 0.2)
    return SentenceClip(tone.astype(np.int16), (Phone("iy", 0.03, seconds - 0.03),), text, voice, "text", language)


def shard(folder: Path, name: str, count: int = 24) -> Path:
    write_shard(folder / name, [clip(f"Word {index}.", f"voice {index // 8}") for index in range(count)])
    return folder / f"{name}.json"


def test_every_clip_of_a_shard_is_heard_once_and_speakers_do_not_mix() -> None:
    clips = [clip(f"{index}.", f"voice {index // 8}") for index in range(24)]
    groups = list(examples.grouped(clips, random.Random(3)))
    assert sorted(each.text for group in groups for each in group) == sorted(each.text for each in clips)
    assert all(len({each.voice for each in group}) <= 1 for group in groups)
    assert max(map(len, groups)) > 1


def test_an_utterance_has_its_sentences_phones_and_pauses(tmp_path: Path) -> None:
    made = examples.utterance([clip("One.", "v"), clip("Two.", "v")], examples.CLEAN, random.Random(1), Recordings())
    assert made.text == "One. Two."
    first, second = made.turns
    assert second.start - first.end > 0.15
    labels = examples.example(made, "en-US", 80).labels
    assert INDEX["iy"] in labels
    assert IGNORED not in labels


def test_silence_has_no_words() -> None:
    made = examples.utterance([], examples.CLEAN, random.Random(1), Recordings())
    assert made.text == ""
    assert len(examples.example(made, "en-US", 80).mel) > 20


def test_training_examples_differ_from_pass_to_pass_and_can_be_clean_only(tmp_path: Path) -> None:
    path = shard(tmp_path, "train-00000")
    surroundings = examples.Surroundings()
    first, second = (examples.training_examples(path, random.Random(seed), surroundings, 80) for seed in (1, 2))
    assert {example.text for example in first} != {example.text for example in second}
    assert {example.clean for example in first + second} == {True, False}
    clean = examples.training_examples(path, random.Random(1), surroundings, 80, clean_only=True)
    assert clean
    assert all(example.clean for example in clean)


def test_held_out_examples_are_always_the_same_and_half_of_them_clean(tmp_path: Path) -> None:
    path = shard(tmp_path, "test-00000", count=8)
    first, second = (examples.held_out_examples(path, examples.Surroundings(), 80) for _ in range(2))
    assert [example.clean for example in first] == [True, False] * 4
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.mel, other.mel)
