from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.bench import clips
from auricle_server.bench.clips import FOLDER, PACKET_SAMPLES, SAMPLE_RATE, Speakers, load_clips, talk

BUNDLED = sorted(FOLDER.glob("*.wav"))


def test_the_bundled_clips_are_read_as_libsndfile_reads_them() -> None:
    loaded = load_clips()
    assert len(loaded) == len(BUNDLED) == 8
    for clip, path in zip(loaded, BUNDLED, strict=True):
        samples, rate = soundfile.read(path, dtype="int16")
        assert rate == SAMPLE_RATE
        assert np.array_equal(clip.pcm, samples)


def test_turns_lie_within_their_clip() -> None:
    for clip in load_clips():
        assert clip.text
        edges = [second for turn in clip.turns for second in turn]
        assert 0 < clip.speech_start == edges[0]
        assert edges == sorted(edges)
        assert edges[-1] == clip.speech_end < len(clip.pcm) / SAMPLE_RATE


@pytest.mark.parametrize(("channels", "width", "rate"), [(2, 2, 16_000), (1, 1, 16_000), (1, 2, 8_000)])
def test_other_formats_are_refused(channels: int, width: int, rate: int, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(channels * width * 100))
    with pytest.raises(ValueError, match=f"{channels} channels of {8 * width} bits at {rate} Hz"):
        clips._read(path)


def test_each_speaker_has_a_voice_of_their_own_and_keeps_it() -> None:
    loaded = load_clips()
    first, again, other = (talk(loaded, seed, 90.0) for seed in (1, 1, 2))
    assert len(first) == 90 * SAMPLE_RATE  # longer than all clips together: they repeat
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_speakers_differ_and_repeat() -> None:
    one, same, other = Speakers(4, 1), Speakers(4, 1), Speakers(4, 2)
    rows = np.arange(4)
    assert np.array_equal(one.packet(rows, 40), same.packet(rows, 40))
    assert not np.array_equal(one.packet(rows, 40), other.packet(rows, 40))
    packets = one.packet(rows, 40).reshape(4, -1)
    assert not np.array_equal(packets[0], packets[1])
    whole = one.audio(2, 1000)
    assert np.array_equal(whole[PACKET_SAMPLES : 2 * PACKET_SAMPLES], one.packet(np.array([2]), 1))
