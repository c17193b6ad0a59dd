from __future__ import annotations

import random

import numpy as np

from demo_model.neural import hibari


def test_a_speakers_pitch_is_its_own_and_unvoiced_frames_keep_none() -> None:
    curve = np.array([0.0, 180.0, 220.0, 0.0, 200.0], np.float32)
    moved = hibari.HibariVoice(pitch=0.5, melody=1.0, formants=0.8).curve(curve)
    np.testing.assert_allclose(moved, curve * 0.5 / 0.8, rtol=1e-5)
    flat = hibari.HibariVoice(pitch=1.0, melody=0.0).curve(curve)
    assert np.ptp(flat[flat > 0]) < 1e-3
    assert (flat[curve == 0] == 0).all()
    np.testing.assert_array_equal(hibari.HibariVoice().curve(np.zeros(3, np.float32)), np.zeros(3))


def test_speakers_are_many_and_named_by_what_they_are() -> None:
    drawn = [hibari.draw(random.Random(seed)) for seed in range(40)]
    assert len({voice.name for voice in drawn}) == 40
    assert any(voice.pitch < 0.75 for voice in drawn)
    assert any(voice.pitch > 0.8 for voice in drawn)
    assert hibari.HibariVoice(0.5, 1.25, 0.9).name == "hibari-0.50-1.25-0.90"
