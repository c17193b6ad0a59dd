"""Acoustic conditions of speech at 16 kHz: speed, room, noise, telephone band, level."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

SAMPLE_RATE = 16_000
PEAK_LIMIT = 0.98
Audio = NDArray[np.float32]
_NOISE_TILT = {"white": 0.0, "pink": 0.5, "brown": 1.0}  # exponent of 1/f on the amplitude spectrum


@dataclass(frozen=True)
class Acoustics:
    """One acoustic condition. `snr` and `level` in dB (level: RMS of speech re full scale), `rt60` in seconds."""

    speed: float = 1.0
    rt60: float = 0.0
    noise: str | None = None
    snr: float = 30.0
    telephone: bool = False
    level: float = -24.0
    floor: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether at most speed and level are changed."""
        return self.rt60 == 0 and self.noise is None and not self.telephone


def draw(rng: random.Random) -> Acoustics:
    """A random condition; 45 % of them are clean, because the first part of the training uses clean speech only."""
    speed = rng.uniform(0.94, 1.06) if rng.random() < 0.5 else 1.0
    level = rng.uniform(-36, -14)
    floor = 10 ** rng.uniform(-4.8, -3.2) if rng.random() < 0.5 else 0.0
    if rng.random() < 0.45:
        return Acoustics(speed=speed, level=level, floor=floor)
    return Acoustics(
        speed=speed,
        rt60=rng.uniform(0.1, 0.45) if rng.random() < 0.4 else 0.0,
        noise=rng.choice(list(_NOISE_TILT)) if rng.random() < 0.6 else None,
        snr=rng.uniform(8, 35),
        telephone=rng.random() < 0.3,
        level=level,
        floor=floor,
    )


def change_speed(audio: Audio, speed: float) -> Audio:
    """Play the audio `speed` times as fast; its pitch rises as much."""
    if speed == 1.0:
        return audio
    return np.asarray(soxr.resample(audio, SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ"), np.float32)


def apply(audio: Audio, condition: Acoustics, seed: int) -> Audio:
    """Put audio into an acoustic condition, except its speed; keeps the length and stays within `PEAK_LIMIT`."""
    generator = np.random.default_rng(seed)
    if condition.rt60 > 0:
        audio = in_room(audio, condition.rt60, generator)
    audio = at_level(audio, condition.level)
    if condition.noise is not None:
        audio = audio + noise_like(audio, condition, generator)
    if condition.telephone:
        audio = telephone_band(audio)
    if condition.floor > 0:
        audio = audio + condition.floor * generator.standard_normal(len(audio)).astype(np.float32)
    peak = float(np.abs(audio).max(initial=0.0))
    return (audio if peak <= PEAK_LIMIT else audio * (PEAK_LIMIT / peak)).astype(np.float32)


def at_level(audio: Audio, level: float) -> Audio:
    """Scale so that the samples that carry speech have an RMS of `level` dB re full scale."""
    loud = audio[np.abs(audio) > 1e-4]
    if len(loud) == 0:
        return audio
    rms = float(np.sqrt(np.mean(np.square(loud, dtype=np.float64))))
    return (audio * (10 ** (level / 20) / rms)).astype(np.float32)


def in_room(audio: Audio, rt60: float, generator: np.random.Generator) -> Audio:
    """Convolve with a direct sound and an exponentially decaying noise tail; the length is kept."""
    count = int(rt60 * SAMPLE_RATE)
    decay = np.exp(-6.9 * np.arange(count) / count)
    impulse = generator.standard_normal(count) * decay * 0.06
    impulse[: int(0.002 * SAMPLE_RATE)] = 0.0
    impulse[0] = 1.0
    return np.asarray(fftconvolve(audio, impulse.astype(np.float32))[: len(audio)], np.float32)


def coloured_noise(length: int, kind: str, generator: np.random.Generator) -> Audio:
    """Noise of unit RMS with the spectrum of its kind."""
    spectrum = np.fft.rfft(generator.standard_normal(length))
    frequency = np.maximum(np.arange(len(spectrum)), max(1.0, 40.0 * length / SAMPLE_RATE))
    shaped = np.fft.irfft(spectrum * frequency ** -_NOISE_TILT[kind], n=length)
    return np.asarray(shaped / (np.sqrt(np.mean(shaped**2)) + 1e-12), np.float32)


def noise_like(audio: Audio, condition: Acoustics, generator: np.random.Generator) -> Audio:
    """The condition's noise, `snr` dB below the level of its speech."""
    noise = coloured_noise(len(audio), condition.noise or "white", generator)
    scaled: Audio = noise * np.float32(10 ** ((condition.level - condition.snr) / 20))
    return scaled


def telephone_band(audio: Audio) -> Audio:
    """300-3400 Hz, sampled at 8 kHz in 8-bit mu-law (ITU-T G.711), and back to 16 kHz."""
    sections = butter(4, [300, 3400], btype="bandpass", fs=SAMPLE_RATE, output="sos")
    narrow = soxr.resample(sosfilt(sections, audio).astype(np.float32), SAMPLE_RATE, 8000, quality="MQ")
    compressed = np.sign(narrow) * np.log1p(255 * np.clip(np.abs(narrow), 0, 1)) / np.log(256)
    coded = np.round(compressed * 127) / 127
    decoded = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255
    wide = soxr.resample(decoded.astype(np.float32), 8000, SAMPLE_RATE, quality="MQ")
    return np.asarray(np.resize(np.pad(wide, (0, max(0, len(audio) - len(wide)))), len(audio)), np.float32)
