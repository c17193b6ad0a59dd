"""Samples of several channels, or of 32 bits."""

from __future__ import annotations

import numpy as np

from auricle_server.gateway.audio.decode import AudioDecoder
from auricle_server.gateway.audio.sample_mixer import SampleMixer


def test_one_channel_stays_as_it_is_in_whole_samples() -> None:
    mixer = SampleMixer("pcm_s16le")
    assert [mixer.push(data) for data in (b"abc", b"d", b"", b"ef")] == [b"ab", b"cd", b"", b"ef"]


def test_samples_of_32_bits_lose_their_lower_half() -> None:
    mixer = SampleMixer("pcm_s16le", wide=True)
    assert [mixer.push(data) for data in (b"aaBBcc", b"DDee")] == [b"BB", b"DD"]


def test_channels_are_mixed() -> None:
    samples = np.array([[100, 300], [-32_768, -32_768], [32_767, 32_767], [1, 2]], "<i2")
    data, mixer = samples.tobytes(), SampleMixer("pcm_s16le", 2)
    mixed = mixer.push(data[:5]) + mixer.push(data[5:])
    assert np.frombuffer(mixed, "<i2").tolist() == [200, -32_768, 32_767, 2]


def test_channels_of_g711_become_pcm() -> None:
    codes = bytes(range(256))
    alone = AudioDecoder("mulaw", 16_000).decode(codes)
    both = bytes(code for code in codes for _ in range(2))
    assert SampleMixer("mulaw", 2).push(both) == alone


def test_wide_channels_are_mixed() -> None:
    samples = np.array([[100 << 16, 300 << 16]], "<i4")
    assert np.frombuffer(SampleMixer("pcm_s16le", 2, wide=True).push(samples.tobytes()), "<i2").tolist() == [200]


def test_a_channel_may_be_taken_alone() -> None:
    samples = np.array([[1, 2], [3, 4]], "<i2").tobytes()
    taken = [np.frombuffer(SampleMixer("pcm_s16le", 2, channel).push(samples), "<i2").tolist() for channel in (0, 1)]
    assert taken == [[1, 3], [2, 4]]
