"""Reads audio files of every format of libsndfile as 16 kHz mono PCM."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
STANDARD_INPUT = "-"
_BLOCK_SECONDS = 0.1


class UnreadableAudio(Exception):
    """A file cannot be read as audio; the message gives the reason without the file's name."""


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A sound file that is read from start to end.

    `soundfile` seeks after every read of a seekable file. The MP3 decoder loses its bit reservoir by the seek, and the
    next samples are silence.
    """

    def seekable(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class AudioFile:
    """An open audio file.

    Attributes:
        name: The name that the user gave; ``<stdin>`` for standard input.
        duration: Seconds.
    """

    name: str
    duration: float
    _sound: _Sequential

    def blocks(self) -> Iterator[bytes]:
        """Yields the audio as little-endian 16 bit PCM at 16 kHz, channels averaged, about 100 ms at a time.

        Raises:
            UnreadableAudio: The file is cut off or damaged.
        """
        resampler = soxr.ResampleStream(self._sound.samplerate, SAMPLE_RATE, 1, dtype="float32")
        block = max(1, round(self._sound.samplerate * _BLOCK_SECONDS))
        try:
            while len(samples := self._sound.read(block, dtype="float32", always_2d=True)):
                yield _pcm16(resampler.resample_chunk(samples.mean(axis=1)))
        except soundfile.LibsndfileError as error:
            raise UnreadableAudio(f"damaged: {error.error_string}") from error
        yield _pcm16(resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True))


def _pcm16(samples: NDArray[np.float32]) -> bytes:
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return (np.clip(finite, -1.0, 1.0) * 32767).round().astype("<i2").tobytes()


@contextmanager
def open_audio(path: str) -> Iterator[AudioFile]:
    """Opens a file of any sample rate and number of channels; ``-`` is standard input.

    Raises:
        UnreadableAudio: The file is missing or holds no audio.
    """
    try:
        with _Sequential(_source(path)) as sound:
            name = "<stdin>" if path == STANDARD_INPUT else path
            yield AudioFile(name, sound.frames / sound.samplerate, sound)
    except soundfile.LibsndfileError as error:
        raise UnreadableAudio(f"not audio that libsndfile reads: {error.error_string}") from error


def _source(path: str) -> BytesIO | str:
    """The argument for libsndfile; standard input is read completely, because libsndfile seeks in it."""
    if path == STANDARD_INPUT:
        data = sys.stdin.buffer.read()
        if not data:
            raise UnreadableAudio("standard input is empty")
        return BytesIO(data)
    file = Path(path)
    if file.is_dir():
        raise UnreadableAudio("a folder, not a file")
    if not file.exists():
        raise UnreadableAudio("no such file")
    if not file.stat().st_size:
        raise UnreadableAudio("the file is empty")
    return path


def read_pcm16(path: str) -> bytes:
    """A whole file as little-endian 16 bit PCM at 16 kHz, channels averaged.

    Raises:
        UnreadableAudio: The file is missing, holds no audio, or is damaged.
    """
    with open_audio(path) as audio:
        return b"".join(audio.blocks())
