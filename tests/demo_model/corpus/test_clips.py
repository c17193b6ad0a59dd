from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from demo_model.audio.phones import Phone
from demo_model.corpus.clips import SentenceClip, read_shard, seconds_of, write_shard


def test_a_shard_keeps_its_clips(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    clips = [
        SentenceClip(
            generator.integers(-9000, 9000, 1600 * (2 + index)).astype(np.int16),
            (Phone("hh", 0.03, 0.1), Phone(None, 0.1, 0.17)),
            f"Sentence {index}, é.", "voice", "text", "fr-FR" if index else "en-US",
        )
        for index in range(3)
    ]  # fmt: skip
    write_shard(tmp_path / "new" / "train-00000", clips)
    stored = tmp_path / "new" / "train-00000.json"
    back = read_shard(stored)
    for clip, read in zip(clips, back, strict=True):
        np.testing.assert_array_equal(clip.audio, read.audio)
        assert (clip.phones, clip.text, clip.language) == (read.phones, read.text, read.language)
    assert seconds_of(stored) == pytest.approx(sum(clip.seconds for clip in clips))
    assert not list(stored.parent.glob("*.part"))
