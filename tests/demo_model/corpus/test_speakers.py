from __future__ import annotations

import random
from collections import Counter

from demo_model.corpus import speakers
from demo_model.neural.kokoro import KokoroVoice


def parts(voice: object) -> set[str]:
    assert isinstance(voice, KokoroVoice)
    return {voice.first, voice.second or voice.first}


def test_no_training_speaker_holds_a_part_of_a_held_out_one() -> None:
    rng = random.Random(0)
    held_out = set(speakers.HELD_OUT)
    for _ in range(500):
        assert not parts(speakers.kokoro(rng)) & held_out
        assert parts(speakers.held_out_kokoro(rng)) & held_out


def test_kinds_of_speakers_come_by_their_shares() -> None:
    drawn = Counter(speakers.draw(random.Random(seed)).__name__ for seed in range(600))
    assert drawn["kokoro"] > drawn["draw"] > drawn["classical"] > 60


def test_held_out_speakers_of_other_languages_are_mixes_with_held_out_english_ones() -> None:
    rng = random.Random(0)
    for language, own in speakers.NATIVE.items():
        for _ in range(100):
            trained, held_out = speakers.native(language, rng), speakers.native(language, rng, held_out=True)
            assert not parts(trained) & set(speakers.HELD_OUT)
            assert parts(held_out) & set(speakers.HELD_OUT)
            assert parts(trained) & set(own)
            assert parts(held_out) & set(own)
