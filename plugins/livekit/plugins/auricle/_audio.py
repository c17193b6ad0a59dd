"""The participant's audio: as mono samples, on the wall clock, and as usage."""

from __future__ import annotations

import numpy as np
from livekit import rtc
from livekit.agents import APIError
from livekit.agents.utils import AudioBuffer

from auricle.audio import mix_channels
from auricle.protocol.client_messages import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE

_USAGE_SECONDS = 5.0
"""How much audio a usage report is about at most; LiveKit's own plugins report as often."""
_LIVE_SECONDS = 1.0
"""How long a report may wait: a session that closes stops listening to reports before its streams end, and lacks what
has not been reported by then."""


def mono(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    """The frame with its channels mixed into one."""
    if frame.num_channels == 1:
        return frame
    # Floats: the sum of two loud channels overflows int16.
    channels = np.frombuffer(frame.data, dtype=np.int16).reshape(-1, frame.num_channels).astype(np.float32)
    mixed, _ = mix_channels(channels)
    return rtc.AudioFrame(
        data=mixed.astype(np.int16).tobytes(),
        sample_rate=frame.sample_rate,
        num_channels=1,
        samples_per_channel=frame.samples_per_channel,
    )


def pcm(frame: rtc.AudioFrame) -> bytes:
    """The samples of a mono frame: signed 16-bit, little-endian."""
    # In the byte order of the machine; LiveKit's native library exists for little-endian ones only.
    return bytes(frame.data)


def recording(buffer: AudioBuffer, sample_rate: int) -> rtc.AudioFrame:
    """The whole buffer as one mono frame, at its own rate where the protocol has it, and otherwise at `sample_rate`.

    Raises:
        APIError: There is no audio, or its frames have several rates. Not retryable.
    """
    frames = [mono(frame) for frame in (buffer if isinstance(buffer, list) else [buffer])]
    rates = sorted({frame.sample_rate for frame in frames})
    if not any(frame.samples_per_channel for frame in frames):
        raise APIError("recognize: the buffer has no audio; give at least one sample", retryable=False)
    if len(rates) > 1:
        named = ", ".join(map(str, rates))
        raise APIError(f"recognize: the frames have several sample rates ({named}); resample them", retryable=False)
    if not MIN_SAMPLE_RATE <= rates[0] <= MAX_SAMPLE_RATE:
        resampler = rtc.AudioResampler(rates[0], sample_rate, quality=rtc.AudioResamplerQuality.HIGH)
        frames = [each for frame in frames for each in resampler.push(frame)] + resampler.flush()
    return rtc.combine_audio_frames(frames)


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
    """Adds up seconds of audio and returns them in portions: of a second from a live speaker, at most of about five."""

    def __init__(self) -> None:
        self._unreported = 0.0
        self._reported_at: float | None = None

    def add(self, seconds: float, now: float = 0.0) -> float:
        """Counts `seconds` of audio that were sent at the time `now`; returns those to report, 0 while they are few."""
        self._unreported += seconds
        waited = 0.0 if self._reported_at is None else now - self._reported_at
        if self._unreported >= _USAGE_SECONDS or waited >= _LIVE_SECONDS:
            self._reported_at = now
            return self.rest()
        self._reported_at = now - waited
        return 0.0

    def rest(self) -> float:
        """The seconds that have not been reported, which count as reported from now on."""
        seconds, self._unreported = self._unreported, 0.0
        return seconds
