"""Audio frames of the room as the mono 16-bit samples that the server takes."""

from __future__ import annotations

import numpy as np
from livekit import rtc


def mono(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    """The frame, its channels averaged into one."""
    if frame.num_channels == 1:
        return frame
    channels = np.frombuffer(frame.data, dtype=np.int16).reshape(-1, frame.num_channels)
    return rtc.AudioFrame(
        data=channels.mean(axis=1).astype(np.int16).tobytes(),
        sample_rate=frame.sample_rate,
        num_channels=1,
        samples_per_channel=frame.samples_per_channel,
    )


def pcm(frame: rtc.AudioFrame) -> bytes:
    """The samples of a mono frame: signed 16-bit, little-endian."""
    return bytes(frame.data)
