"""Acoustic conditions of speech at 16 kHz: speed, room, noise, telephone, Opus, lost packets, level."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from demo_model.audio import codecs, recordings
from demo_model.audio.recordings import Recordings

SAMPLE_RATE = 16_000
PEAK_LIMIT = 0.98
Audio = NDArray[np.float32]
_NOISE_TILT = {"white": 0.0, "pink": 0.5, "brown": 1.0}  # exponent of 1/f on the amplitude spectrum


@dataclass(frozen=True)
class Acoustics:
    """One acoustic condition.

    Attributes:
        speed: Factor of the speed, and of the pitch with it.
        rt60: Seconds of reverberation of a synthetic room.
        noise: ``white``, ``pink``, ``brown``, or the name of a recording.
        snr: dB of the speech above the noise.
        telephone: Whether it goes through G.711 at 8 kHz.
        level: RMS of the speech in dB re full scale.
        floor: RMS of a hiss that is always there.
        room: Name of a recorded room response.
        opus: Bits per second of Opus; 0 for none.
        lost: Share of lost 20 ms packets.
    """

    speed: float = 1.0
    rt60: float = 0.0
    noise: str | None = None
    snr: float = 30.0
    telephone: bool = False
    level: float = -24.0
    floor: float = 0.0
    room: str | None = None
    opus: int = 0
    lost: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether at most speed and level are changed."""
        return replace(self, speed=1.0, level=0.0, floor=0.0, snr=0.0) == _CLEAN


_CLEAN = Acoustics(level=0.0, snr=0.0)
_OPUS_RATES = 6000, 8000, 12_000, 16_000, 24_000
OPUS_SHARE, LOST_SHARE, RECORDED_SHARE = 0.12, 0.12, 0.6


def draw(rng: random.Random, recorded: Recordings = Recordings(), opus: bool = False) -> Acoustics:  # noqa: B008
    """A random condition; 45 % of them are clean, because the first part of the training uses clean speech only.

    Where there are recordings, six in ten noises and rooms are of them. `opus` allows that codec, which needs PyAV.
    """
    speed = rng.uniform(0.94, 1.06) if rng.random() < 0.5 else 1.0
    level = rng.uniform(-36, -14)
    floor = 10 ** rng.uniform(-4.8, -3.2) if rng.random() < 0.5 else 0.0
    if rng.random() < 0.45:
        return Acoustics(speed=speed, level=level, floor=floor)
    in_room, noisy = rng.random() < 0.4, rng.random() < 0.6
    room = rng.choice(list(recorded.rooms)) if recorded.rooms and rng.random() < RECORDED_SHARE else None
    noises = list(recorded.noises) if recorded.noises and rng.random() < RECORDED_SHARE else list(_NOISE_TILT)
    return Acoustics(
        speed=speed,
        rt60=rng.uniform(0.1, 0.45) if in_room and room is None else 0.0,
        noise=rng.choice(noises) if noisy else None,
        snr=rng.uniform(8, 35),
        telephone=rng.random() < 0.3,
        level=level,
        floor=floor,
        room=room if in_room else None,
        opus=rng.choice(_OPUS_RATES) if opus and rng.random() < OPUS_SHARE else 0,
        lost=rng.uniform(0.005, 0.04) if rng.random() < LOST_SHARE else 0.0,
    )


def change_speed(audio: Audio, speed: float) -> Audio:
    """Play the audio `speed` times as fast; its pitch rises as much."""
    if speed == 1.0:
        return audio
    return np.asarray(soxr.resample(audio, SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ"), np.float32)


def apply(audio: Audio, condition: Acoustics, seed: int, recorded: Recordings = Recordings()) -> Audio:  # noqa: B008
    """Put audio into an acoustic condition, except its speed; keeps the length and stays within `PEAK_LIMIT`."""
    generator = np.random.default_rng(seed)
    if condition.rt60 > 0:
        audio = in_room(audio, condition.rt60, generator)
    if condition.room is not None:
        audio = recordings.in_recorded_room(audio, recorded.rooms[condition.room])
    audio = at_level(audio, condition.level)
    if condition.noise is not None:
        audio = audio + noise_like(audio, condition, generator, recorded)
    if condition.telephone:
        audio = codecs.mu_law(audio)
    if condition.opus:
        audio = codecs.opus(audio, condition.opus)
    if condition.lost > 0:
        audio = codecs.with_lost_packets(audio, condition.lost, generator)
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


def noise_like(
    audio: Audio,
    condition: Acoustics,
    generator: np.random.Generator,
    recorded: Recordings = Recordings(),  # noqa: B008
) -> Audio:
    """The condition's noise, `snr` dB below the level of its speech."""
    kind = condition.noise or "white"
    if kind in recorded.noises:
        noise = recordings.stretch_of(recorded.noises[kind], len(audio), generator)
    else:
        noise = coloured_noise(len(audio), kind, generator)
    scaled: Audio = noise * np.float32(10 ** ((condition.level - condition.snr) / 20))
    return scaled
