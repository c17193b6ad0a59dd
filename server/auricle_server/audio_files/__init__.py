"""Recordings of any container, rate and number of channels, as 16 kHz mono PCM."""

from auricle_server.audio_files.audio_file import SAMPLE_RATE, AudioFile, open_audio, open_descriptor, read_pcm16
from auricle_server.audio_files.errors import UnreadableAudio
from auricle_server.audio_files.sources import STANDARD_INPUT

__all__ = [
    "SAMPLE_RATE",
    "STANDARD_INPUT",
    "AudioFile",
    "UnreadableAudio",
    "open_audio",
    "open_descriptor",
    "read_pcm16",
]
