"""The clips become one stream's audio."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.demo.programme import (
    PAUSE_SECONDS,
    SAMPLE_RATE,
    SHOW_SECONDS,
    Clip,
    Programme,
    compose,
    load_clips,
)

SECOND = bytes(32_000)
CLIPS = [
    Clip("Book a table for two.", "ann", SECOND * 2, speech_end=1.5),
    Clip("Thank you.", "bob", SECOND * 1, speech_end=0.8),
]


def write_clip(folder: Path, seconds: float = 6.0, rate: int = SAMPLE_RATE, **entry: object) -> None:
    """A clip whose samples count up, and its manifest."""
    soundfile.write(folder / "a.wav", np.arange(round(seconds * rate), dtype=np.int32).astype(np.int16), rate)
    (folder / "manifest.json").write_text(json.dumps([{"file": "a.wav", "voice": "ann", **entry}]))


def test_a_file_without_turns_is_one_turn(tmp_path: Path) -> None:
    write_clip(tmp_path, text="Hello.", speech_end=4.5)
    (clip,) = load_clips(tmp_path)
    assert (clip.text, clip.voice, clip.speech_end, clip.duration) == ("Hello.", "ann", 4.5, 6.0)


def test_a_file_is_cut_between_its_turns_and_nothing_is_lost(tmp_path: Path) -> None:
    turns = [{"text": "One.", "start": 0.5, "end": 2.0}, {"text": "Two.", "start": 3.0, "end": 5.0}]
    write_clip(tmp_path, text="One. Two.", speech_end=5.0, turns=turns, condition="telephone")
    first, second = load_clips(tmp_path)
    assert (first.text, first.duration, first.speech_end) == ("One.", 2.5, 2.0)
    assert (second.text, second.duration, second.speech_end) == ("Two.", 3.5, 2.5)
    assert second.voice == "ann, telephone"
    whole, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert first.pcm + second.pcm == whole.tobytes()


def test_another_rate_is_refused(tmp_path: Path) -> None:
    write_clip(tmp_path, rate=8_000, text="Hello.", speech_end=4.5)
    with pytest.raises(ValueError, match=r"a\.wav: expected 16000 Hz mono, got 8000 Hz"):
        load_clips(tmp_path)


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_clips(tmp_path)


def test_the_bundled_clips_fit_the_show_and_their_ends_are_true() -> None:
    clips = load_clips()
    programme = compose(clips)
    assert len(clips) >= 4
    assert 30 < programme.duration <= SHOW_SECONDS
    assert len({clip.voice for clip in clips}) >= 4
    for utterance in programme.utterances:
        assert utterance.until - utterance.speech_end == pytest.approx(PAUSE_SECONDS, abs=0.01)
    for clip in clips:
        samples = np.frombuffer(clip.pcm, dtype="<i2").astype(np.float64)
        end = round(clip.speech_end * SAMPLE_RATE)
        spoken, after = samples[end - 4_800 : end], samples[end + 1_600 :]
        assert np.sqrt((after**2).mean()) < np.sqrt((spoken**2).mean()) / 2


@pytest.fixture
def programme() -> Programme:
    return compose(CLIPS)


def test_every_clip_is_followed_by_the_pause(programme: Programme) -> None:
    first, second = programme.utterances
    assert second.begins == pytest.approx(first.speech_end + PAUSE_SECONDS)
    assert programme.duration == pytest.approx(second.speech_end + PAUSE_SECONDS)
    assert [programme.utterance_at(at) for at in (0.0, first.speech_end + 2.1, second.begins, 1e9)] == [0, 0, 1, 1]


def test_frames_cover_the_programme_and_go_on_with_silence(programme: Programme) -> None:
    played = b"".join(programme.frame(number) for number in range(programme.frames))
    assert programme.pcm.startswith(played)
    assert programme.frame(programme.frames + 5) == bytes(640)
