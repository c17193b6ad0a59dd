from __future__ import annotations

import math
from array import array

import numpy as np
import pytest

from auricle import audio


def int16(pcm: bytes) -> list[int]:
    return list(array("h", pcm))


def test_floats_become_samples() -> None:
    assert int16(audio.float_to_pcm16([0.0, 1.0, -1.0, 0.5])) == [0, 32767, -32767, 16384]


def test_what_is_too_loud_is_clipped_and_what_is_no_number_is_silence() -> None:
    assert int16(audio.float_to_pcm16([2.0, -7.0, math.inf, -math.inf, math.nan])) == [32767, -32767, 32767, -32767, 0]


def test_arrays_of_numpy_give_the_same_bytes() -> None:
    np = pytest.importorskip("numpy")
    samples = [0.0, 0.25, -0.3, 1.5, -1.5, math.nan, math.inf, -math.inf, 0.99999]
    for dtype in (np.float64, np.float32):
        array_of = np.array(samples, dtype=dtype)
        assert audio.float_to_pcm16(array_of) == audio.float_to_pcm16([float(sample) for sample in array_of])


def test_sizes_are_whole_samples() -> None:
    assert audio.size_of(0.02, 16_000) == 640
    assert audio.size_of(0.02, 8_000, "mulaw") == 160
    assert audio.size_of(0.01, 11_025) == 220
    assert audio.seconds_of(640, 16_000) == 0.02
    assert audio.seconds_of(160, 8_000, "alaw") == 0.02


def test_pieces_are_all_of_it_in_order() -> None:
    assert list(audio.pieces(b"abcdefg", 3)) == [b"abc", b"def", b"g"]
    assert list(audio.pieces(b"", 3)) == []
    with pytest.raises(ValueError, match="got 0"):
        audio.pieces(b"abc", 0)


def test_channels_become_one_unless_they_cancel_each_other() -> None:
    both, one = np.array([[0.5, 0.1], [-0.2, 0.4]]), np.array([[0.5, 0.0], [-0.2, 0.0]])
    assert audio.mix_channels(both)[0].tolist() == pytest.approx([0.3, 0.1])
    assert audio.mix_channels(one)[0].tolist() == pytest.approx([0.25, -0.1])
    mixed, cancelled = audio.mix_channels(np.array([[0.5, -0.5], [-0.2, 0.2]]))
    assert (mixed.tolist(), cancelled) == ([0.5, -0.2], True)
    assert not audio.mix_channels(np.zeros((3, 2)))[1]
