"""The participant's audio: as mono samples, on the wall clock, and as usage."""

from __future__ import annotations

import numpy as np
from livekit import rtc

_USAGE_SECONDS = 5.0
"""How much audio a usage report is about; LiveKit's own plugins report as often."""


def mono(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    """The frame with its channels averaged into one."""
    if frame.num_channels == 1:
        return frame
    # `mean` adds in float64: the sum of two loud channels overflows int16.
    channels = np.frombuffer(frame.data, dtype=np.int16).reshape(-1, frame.num_channels)
    return rtc.AudioFrame(
        data=channels.mean(axis=1).astype(np.int16).tobytes(),
        sample_rate=frame.sample_rate,
        num_channels=1,
        samples_per_channel=frame.samples_per_channel,
    )


def pcm(frame: rtc.AudioFrame) -> bytes:
    """The samples of a mono frame: signed 16-bit, little-endian."""
    # In the byte order of the machine; LiveKit's native library exists for little-endian ones only.
    return bytes(frame.data)


class AudioClock:
    """Tells when a position in the audio was spoken.

    The server's events name positions in the audio; LiveKit's turn logic compares wall-clock times. A position is as
    long ago as there is audio after it. That also holds when the network delayed frames and delivered them at once, and
    when the microphone was muted before.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._ended_at = 0.0

    def push(self, seconds: float, now: float) -> None:
        """Counts `seconds` of audio that ended at the wall-clock time `now`."""
        self._seconds += seconds
        self._ended_at = now

    def wall(self, position: float) -> float:
        """The wall-clock time, in seconds since the epoch, at which the audio at `position` seconds was spoken."""
        return self._ended_at - max(self._seconds - position, 0.0)


class UsageMeter:
    """Adds up seconds of audio and returns them in portions of about five."""

    def __init__(self) -> None:
        self._unreported = 0.0

    def add(self, seconds: float) -> float:
        """Counts `seconds`; returns the seconds to report now, 0 while they are few."""
        self._unreported += seconds
        return self.rest() if self._unreported >= _USAGE_SECONDS else 0.0

    def rest(self) -> float:
        """The seconds that have not been reported, which count as reported from now on."""
        seconds, self._unreported = self._unreported, 0.0
        return seconds
