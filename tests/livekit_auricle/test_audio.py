"""The participant's audio: samples, wall-clock times and usage."""

from __future__ import annotations

import numpy as np
import pytest
from livekit import rtc

from livekit.plugins.auricle._audio import AudioClock, UsageMeter, mono, pcm


def test_channels_are_averaged() -> None:
    samples = np.array([[100, 300], [-2, 2], [7, 7]], np.int16)
    frame = mono(rtc.AudioFrame(samples.tobytes(), 16_000, 2, 3))
    assert (frame.num_channels, frame.samples_per_channel, frame.sample_rate) == (1, 3, 16_000)
    assert pcm(frame) == np.array([200, 0, 7], np.int16).tobytes()


def test_channels_in_antiphase_do_not_cancel_to_silence() -> None:
    samples = np.array([[100, -100], [-3000, 3000], [32767, -32767]], np.int16)
    frame = mono(rtc.AudioFrame(samples.tobytes(), 16_000, 2, 3))
    assert np.frombuffer(frame.data, np.int16).tolist() == [100, -3000, 32767]


def test_one_channel_is_left_alone() -> None:
    frame = rtc.AudioFrame(bytes(6), 8_000, 1, 3)
    assert mono(frame) is frame


def test_a_position_is_as_long_ago_as_there_is_audio_after_it() -> None:
    clock = AudioClock()
    for second in range(1, 11):
        clock.push(1.0, 100.0 + second)
    assert clock.wall(9.5) == pytest.approx(109.5)
    assert clock.wall(10.0) == pytest.approx(110.0)


def test_a_pause_of_the_microphone_shifts_what_comes_after_it() -> None:
    clock = AudioClock()
    clock.push(2.0, 102.0)
    clock.push(1.0, 163.0)  # muted for a minute
    assert clock.wall(2.5) == pytest.approx(162.5)


def test_no_position_is_in_the_future() -> None:
    clock = AudioClock()
    clock.push(2.0, 102.0)
    assert clock.wall(2.3) == pytest.approx(102.0)


def test_usage_is_reported_once() -> None:
    meter = UsageMeter()
    assert [meter.add(2.0), meter.add(2.0), meter.add(2.0)] == [0.0, 0.0, 6.0]
    assert [meter.add(1.0), meter.rest(), meter.rest()] == [0.0, 1.0, 0.0]
