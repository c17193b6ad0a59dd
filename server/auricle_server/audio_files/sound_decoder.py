"""Samples of a file, by libsndfile."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import soundfile

from auricle_server.audio_files.errors import UnreadableAudio
from auricle_server.audio_files.pieced_file import PiecedFile
from auricle_server.audio_files.true_lengths import TrueLength

_MOST_SECONDS = 1000 * 3600
"""A header that states more than a thousand hours is not believed."""


class RecordingDecoder(Protocol):
    """Samples from start to end.

    Attributes:
        rate: Sample rate in Hz.
        channels: Number of channels.
        seconds: Duration by the header; None when that does not say.
    """

    rate: int
    channels: int
    seconds: float | None

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        """The next samples, [up to `frames`, channels], in -1..1; none at the end.

        Raises:
            UnreadableAudio: The file is cut off or damaged.
        """

    def close(self) -> None:
        """Ends the reading; harmless when repeated."""


class SequentialSound(soundfile.SoundFile):  # type: ignore[misc]  # soundfile ships no types
    """A sound file that is read from start to end.

    `soundfile` seeks after every read of a seekable file. The MP3 decoder loses its bit reservoir by the seek, and the
    next samples are silence.
    """

    def seekable(self) -> bool:
        """No."""
        return False


class SoundDecoder:
    """A decoder of libsndfile; see `RecordingDecoder`.

    Args:
        source: A file with a true header, or the path of a file, for the formats that only a name tells (vox, gsm).

    Raises:
        soundfile.LibsndfileError: libsndfile does not read it.
    """

    def __init__(self, source: TrueLength | bytes) -> None:
        self._file = source.file if isinstance(source, TrueLength) else None
        if self._file is not None:
            self._file.seek(0)
        self._sound = SequentialSound(self._file if self._file is not None else source)
        self.rate: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        stated = source.stated if isinstance(source, TrueLength) else None
        self._stated = stated or 0
        seconds = (self._sound.frames if stated is None else stated) / self.rate
        unknown = stated == 0 or seconds > _MOST_SECONDS
        self.seconds: float | None = None if unknown else seconds
        self._done = 0

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        """See `RecordingDecoder.read`."""
        try:
            samples: npt.NDArray[np.float32] = self._sound.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            # What comes after the samples that the header states is no sound: a tag, or the blocks of a tape.
            if 0 < self._stated <= self._done:
                return np.zeros((0, self.channels), dtype=np.float32)
            raise UnreadableAudio(f"damaged: {error.error_string}") from error
        _raise(self._file)
        self._done += len(samples)
        return samples

    def close(self) -> None:
        """See `RecordingDecoder.close`."""
        self._sound.close()


def _raise(file: PiecedFile | None) -> None:
    if file is not None and file.error is not None:
        raise UnreadableAudio(f"the disk cannot be read: {file.error.strerror}") from file.error
