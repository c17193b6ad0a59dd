"""Recordings in containers, as browsers and phones make them."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import soundfile
from av.audio.stream import AudioStream

from tests.support.tones import SAMPLE_RATE, Pcm


def opus_in(container: str, pcm: Pcm) -> bytes:
    """Opus in ``"ogg"`` or ``"webm"``, in packets of 20 ms."""
    written = io.BytesIO()
    with av.open(written, "w", format=container) as file:
        stream = file.add_stream("libopus", rate=48_000, layout="mono")
        assert isinstance(stream, AudioStream)
        for packet in _packets(stream, pcm):
            file.mux(packet)
    return written.getvalue()


def opus_packets(pcm: Pcm) -> list[bytes]:
    """The packets alone."""
    with av.open(io.BytesIO(), "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=48_000, layout="mono")
        assert isinstance(stream, AudioStream)
        return [bytes(packet) for packet in _packets(stream, pcm)]


def _packets(stream: AudioStream, pcm: Pcm) -> list[av.Packet[AudioStream]]:
    frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000, frame_size=960)
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return [packet for each in [*frames, None] for packet in stream.encode(each)]


def file_of(kind: str, pcm: Pcm, rate: int = SAMPLE_RATE, subtype: str | None = None) -> bytes:
    """A file of libsndfile."""
    written = io.BytesIO()
    soundfile.write(written, pcm, rate, format=kind, subtype=subtype)
    return written.getvalue()
