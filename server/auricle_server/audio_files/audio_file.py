"""Reads recordings as 16 kHz mono PCM: what libsndfile reads, and, with ffmpeg installed, what that reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from auricle_server.audio_files.channel_mix import ChannelMix
from auricle_server.audio_files.errors import UnreadableAudio
from auricle_server.audio_files.ffmpeg import HOW_TO_GET_IT, FfmpegDecoder, installed_ffmpeg
from auricle_server.audio_files.pieced_file import ByteSpan, PiecedFile
from auricle_server.audio_files.sound_decoder import RecordingDecoder, SoundDecoder
from auricle_server.audio_files.sources import STANDARD_INPUT, AudioSource, open_source
from auricle_server.audio_files.true_lengths import TrueLength, true_lengths

SAMPLE_RATE = 16_000
_BLOCK_SECONDS = 0.1
_BLOCK_SAMPLES = 1 << 20
"""Most samples of all channels that are decoded at once: a header may state 1024 channels."""
_LEAST_RATE, _MOST_RATE = 1_000, 1_000_000
"""Rates beyond these are those of damaged headers: a second of such a file would be hours, or nothing."""


class AudioFile:
    """An open recording. It can be read several times, for instance each channel by itself.

    Args:
        name: The name that the user gave; ``<stdin>`` for standard input.
        openings: Open a decoder each, of the parts that follow each other in time; at least one.

    Attributes:
        name: As above.
        channels: Number of channels.
        duration: Seconds. Before the file is read, what its header says, and None where that does not say; afterwards,
            what was read.
        cancels: Whether channels of opposite polarity were found, whose plain mean is silence. Known after the
            reading of the mix.
    """

    def __init__(self, name: str, openings: Sequence[Callable[[], RecordingDecoder]]) -> None:
        self.name = name
        self.channels = 0
        self.cancels = False
        self._openings = openings
        seconds: list[float | None] = []
        for opening in openings:
            with closing(opening()) as decoder:
                self.channels = max(self.channels, decoder.channels)
                seconds.append(decoder.seconds)
        known = [each for each in seconds if each is not None]
        self.duration: float | None = sum(known) if len(known) == len(seconds) else None

    def blocks(self, channel: int | None = None) -> Generator[bytes]:
        """Yields the audio as little-endian 16 bit PCM at 16 kHz, about 100 ms at a time.

        Args:
            channel: The channel to read, from 1; None mixes all (see `ChannelMix`).

        Raises:
            UnreadableAudio: The file is cut off or damaged, after what could be read; or it has no such channel.
        """
        if channel is not None and not 1 <= channel <= self.channels:
            has = "1 channel" if self.channels == 1 else f"{self.channels} channels"
            raise UnreadableAudio(f"there is no channel {channel}: the recording has {has}")
        seconds, damage = 0.0, None
        for opening in self._openings:
            with closing(opening()) as decoder:
                resampler = _resampler(decoder.rate)
                count = 0
                try:
                    for samples in self._mono(decoder, channel):
                        count += len(samples)
                        yield _pcm16(resampler.resample_chunk(samples))
                except UnreadableAudio as error:
                    damage = error
                seconds += count / decoder.rate
                yield _pcm16(resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True))
        self.duration = seconds
        if damage is not None:
            raise damage

    def _mono(self, decoder: RecordingDecoder, channel: int | None) -> Iterator[NDArray[np.float32]]:
        """The samples of a channel, or the mix, in blocks."""
        mix = ChannelMix(decoder.channels)
        frames = round(min(decoder.rate, _MOST_RATE) * _BLOCK_SECONDS)
        block = max(1, min(frames, _BLOCK_SAMPLES // decoder.channels))
        while len(samples := decoder.read(block)):
            yield mix.mix(samples) if channel is None else samples[:, min(channel, decoder.channels) - 1]
            self.cancels = mix.cancels


def _resampler(rate: int) -> soxr.ResampleStream:
    if rate < _LEAST_RATE:
        raise UnreadableAudio(f"its header states a sample rate of {rate} Hz, which no speech has")
    try:
        return soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    except (RuntimeError, ValueError) as error:
        raise UnreadableAudio(f"its sample rate of {rate} Hz cannot be used: {error}") from error


def _pcm16(samples: NDArray[np.float32]) -> bytes:
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return (np.clip(finite, -1.0, 1.0) * 32767).round().astype("<i2").tobytes()


@contextmanager
def open_audio(path: str) -> Iterator[AudioFile]:
    """Opens a file of any sample rate and number of channels; ``-`` is standard input.

    Raises:
        UnreadableAudio: The file is missing or holds no audio.
    """
    with open_source(path) as source:
        yield _audio_file("<stdin>" if path == STANDARD_INPUT else path, source)


def open_descriptor(descriptor: int, name: str, header: bytes = b"") -> AudioFile:
    """Opens a recording in a file that is open already, and stays so as long as the recording is read.

    Args:
        descriptor: Of the file, which need not have a path.
        name: Of the recording, for messages.
        header: What the file lacks before its samples: that of a WAV file, for plain samples; empty for a file that
            says itself what it holds.

    Raises:
        UnreadableAudio: The file holds no audio.
    """
    source = AudioSource(descriptor, None)
    if not header:
        return _audio_file(name, source)
    samples = TrueLength(PiecedFile(descriptor, [header, ByteSpan(0, source.size)]))
    try:
        return AudioFile(name, [partial(SoundDecoder, samples)])
    except soundfile.LibsndfileError as error:
        raise UnreadableAudio(f"libsndfile cannot read samples of this kind: {error.error_string}") from error


def _audio_file(name: str, source: AudioSource) -> AudioFile:
    try:
        return AudioFile(name, [partial(SoundDecoder, length) for length in true_lengths(source)])
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
    except OSError as error:
        raise UnreadableAudio(f"the disk cannot be read: {error.strerror}") from error
    if source.path is not None:
        try:
            # By its name: some formats of telephones (vox, gsm) have no header.
            return AudioFile(name, [partial(SoundDecoder, os.fsencode(source.path))])
        except soundfile.LibsndfileError as error:
            reason = error.error_string.rstrip(".")
    executable = installed_ffmpeg()
    if executable is None:
        raise UnreadableAudio(f"not audio that libsndfile reads: {reason}; {HOW_TO_GET_IT}")
    return AudioFile(name, [partial(FfmpegDecoder, executable, source)])


def read_pcm16(path: str) -> bytes:
    """A whole file as little-endian 16 bit PCM at 16 kHz, channels averaged.

    Raises:
        UnreadableAudio: The file is missing, holds no audio, or is damaged.
    """
    with open_audio(path) as audio:
        return b"".join(audio.blocks())
