"""What telephone calls and browsers do to speech: G.711 at 8 kHz, Opus at low rates, lost packets."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from demo_model.audio.voices import SAMPLE_RATE

NARROW_RATE, OPUS_RATE = 8000, 48_000
PACKET_SECONDS = 0.02
FADE_PACKETS = 3
Audio = NDArray[np.float32]


def fitted(audio: Audio, length: int) -> Audio:
    """The audio cut or filled with zeros to a length."""
    return np.pad(audio[:length], (0, max(0, length - len(audio))))


def mu_law(audio: Audio) -> Audio:
    """300-3400 Hz, sampled at 8 kHz in 8-bit mu-law (ITU-T G.711), and back to 16 kHz."""
    sections = butter(4, [300, 3400], btype="bandpass", fs=SAMPLE_RATE, output="sos")
    narrow = soxr.resample(sosfilt(sections, audio).astype(np.float32), SAMPLE_RATE, NARROW_RATE, quality="MQ")
    compressed = np.sign(narrow) * np.log1p(255 * np.clip(np.abs(narrow), 0, 1)) / np.log(256)
    coded = np.round(compressed * 127) / 127
    decoded = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255
    return fitted(soxr.resample(decoded.astype(np.float32), NARROW_RATE, SAMPLE_RATE, quality="MQ"), len(audio))


def opus(audio: Audio, bits_per_second: int) -> Audio:
    """Through Opus for voice at a bit rate, such as 8,000 for a bad connection; the codec's delay is taken out."""
    import av  # only this condition needs it

    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = OPUS_RATE, "mono", "s16"
    encoder.bit_rate = bits_per_second
    encoder.options = {"application": "voip", "compression_level": "2"}
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = OPUS_RATE, "mono"
    wide = soxr.resample(np.pad(audio, (0, SAMPLE_RATE // 10)), SAMPLE_RATE, OPUS_RATE, quality="MQ")
    samples = (np.clip(wide, -1, 1) * 32767).astype(np.int16)
    size = int(PACKET_SECONDS * OPUS_RATE)
    decoded: list[NDArray[np.int16]] = []
    for at in range(0, len(samples) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, at : at + size]), "s16", "mono")
        frame.sample_rate, frame.pts = OPUS_RATE, at
        for packet in encoder.encode(frame):
            decoded += [_samples(each) for each in decoder.decode(packet)]
    delay = int(getattr(encoder, "delay", 0) or 312)
    joined = np.concatenate(decoded).astype(np.float32) / 32768
    return fitted(soxr.resample(joined[delay:], OPUS_RATE, SAMPLE_RATE, quality="MQ"), len(audio))


def _samples(frame: Any) -> NDArray[np.int16]:
    array: NDArray[Any] = frame.to_ndarray()[0]
    return array if array.dtype == np.int16 else (np.clip(array, -1, 1) * 32767).astype(np.int16)


def with_lost_packets(audio: Audio, share: float, generator: np.random.Generator) -> Audio:
    """A share of the 20 ms packets lost, one to three in a row; the last one repeats in their place and fades away."""
    size = int(PACKET_SECONDS * SAMPLE_RATE)
    out = audio.copy()
    packet = 1
    while packet < len(audio) // size:
        if generator.random() < share / 2:
            last = out[(packet - 1) * size : packet * size].copy()
            for lost in range(int(generator.integers(1, FADE_PACKETS + 1))):
                gap = out[(packet + lost) * size : (packet + lost + 1) * size]
                gap[:] = last[: len(gap)] * (1 - (lost + 1) / (FADE_PACKETS + 1))
            packet += FADE_PACKETS
        packet += 1
    return out
