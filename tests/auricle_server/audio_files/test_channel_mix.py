"""Channels are mixed so that what is said stays, whatever their polarity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from auricle_server.audio_files import UnreadableAudio, open_audio
from auricle_server.audio_files.channel_mix import ChannelMix
from tests.auricle_server.audio_files.recordings import RATE, heard, loudness, sweep

VOICE = sweep()
NOISE = np.random.default_rng(3).normal(0, 0.1, (len(VOICE), 4)).astype(np.float32)


def mixed(*channels: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], bool]:
    mix = ChannelMix(len(channels))
    samples = np.stack(channels, axis=1)
    parts = [mix.mix(samples[at : at + 1600]) for at in range(0, len(samples), 1600)]
    return np.concatenate(parts), mix.cancels


@pytest.mark.parametrize(
    "channels",
    [
        (VOICE, -VOICE),
        (-VOICE, VOICE),
        (VOICE, -0.9 * VOICE),
        (VOICE + 0.01 * NOISE[:, 0], -VOICE + 0.01 * NOISE[:, 1]),
        (VOICE + 0.2, -VOICE + 0.2),
        (VOICE, -VOICE, VOICE, -VOICE),
        (np.concatenate([np.zeros(RATE), VOICE]), np.concatenate([np.zeros(RATE), -VOICE])),
    ],
    ids="opposite other weaker noisy offset four late".split(),
)
def test_opposite_channels_do_not_cancel(channels: tuple[npt.NDArray[np.float32], ...]) -> None:
    samples, cancels = mixed(*(channel.astype(np.float32) for channel in channels))
    assert cancels
    assert loudness(samples[-RATE:]) > 0.9 * loudness(VOICE[-RATE:])


@pytest.mark.parametrize(
    "channels",
    [
        (VOICE, VOICE),
        (VOICE, np.zeros_like(VOICE)),
        (VOICE, NOISE[:, 0]),
        (VOICE, NOISE[:, 0], NOISE[:, 1]),
        (np.zeros_like(VOICE), np.zeros_like(VOICE)),
        (VOICE,),
    ],
)
def test_other_channels_are_averaged_as_they_are(channels: tuple[npt.NDArray[np.float32], ...]) -> None:
    samples, cancels = mixed(*channels)
    assert not cancels
    assert np.allclose(samples, np.mean(channels, axis=0), atol=1e-6)


def test_samples_that_are_no_numbers_change_no_other_block() -> None:
    broken = VOICE.copy()
    broken[:1600] = np.nan
    samples, _ = mixed(broken, -VOICE)
    assert loudness(samples[-RATE:]) == pytest.approx(loudness(VOICE[-RATE:]))


def test_a_file_says_so_after_it_was_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([VOICE, -VOICE], axis=1), RATE)
    with open_audio(str(tmp_path / "a.wav")) as audio:
        samples = np.frombuffer(b"".join(audio.blocks()), "<i2") / 32767
        assert audio.cancels
    assert loudness(samples) == pytest.approx(loudness(VOICE), rel=0.01)


def test_each_channel_by_itself_and_again(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.stack([VOICE, NOISE[:, 0]], axis=1), RATE)
    with open_audio(str(tmp_path / "a.flac")) as audio:
        assert audio.channels == 2
        for channel, expected in ((2, NOISE[:, 0]), (1, VOICE), (2, NOISE[:, 0])):
            samples = np.frombuffer(b"".join(audio.blocks(channel)), "<i2") / 32767
            assert np.abs(samples - expected).max() < 1e-3
        with pytest.raises(UnreadableAudio, match=r"no channel 3: the recording has 2 channels"):
            next(audio.blocks(3))
    assert len(heard(tmp_path / "a.flac")) == len(VOICE)
