"""The recordings of the package, as the benches play them.

They are WAV files of 16 kHz mono PCM, read by the standard library: machines with a GPU often lack libsndfile.
"""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

FOLDER = Path(__file__).parents[1] / "demo" / "audio"
SAMPLE_RATE = 16_000
PACKET_SECONDS = 0.02
PACKET_SAMPLES = round(PACKET_SECONDS * SAMPLE_RATE)
PHASES = 5
"""Every 4 ms the packets of a fifth of the streams arrive together."""


@dataclass(frozen=True, slots=True)
class BenchClip:
    """A recording, 16 kHz mono.

    Attributes:
        pcm: Samples.
        text: The spoken text.
        turns: Start and end of each turn, seconds.
    """

    pcm: Pcm
    text: str
    turns: tuple[tuple[float, float], ...]

    @property
    def speech_start(self) -> float:
        """Seconds up to the first word."""
        return self.turns[0][0]

    @property
    def speech_end(self) -> float:
        """Seconds up to the end of the last word."""
        return self.turns[-1][1]


def load_clips() -> tuple[BenchClip, ...]:
    """All clips, in the order of the manifest."""
    entries = json.loads((FOLDER / "manifest.json").read_text())
    return tuple(
        BenchClip(
            _read(FOLDER / entry["file"]),
            entry["text"],
            tuple((turn["start"], turn["end"]) for turn in entry["turns"]),
        )
        for entry in entries
    )


def _read(path: Path) -> Pcm:
    with wave.open(str(path)) as file:
        form = (file.getnchannels(), 8 * file.getsampwidth(), file.getframerate())
        if form != (1, 16, SAMPLE_RATE):
            raise ValueError(
                f"{path}: {form[0]} channels of {form[1]} bits at {form[2]} Hz; the benches need 16 kHz mono"
            )
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def talk(clips: tuple[BenchClip, ...], seed: int, seconds: float) -> Pcm:
    """One speaker's audio: the clips in a random order, repeated, starting at a random sample.

    Args:
        clips: The recordings.
        seed: The same seed gives the same audio.
        seconds: Length of the result.
    """
    rng = np.random.default_rng(seed)
    whole = np.concatenate([clips[index].pcm for index in rng.permutation(len(clips))])
    start = int(rng.integers(len(whole)))
    at = (start + np.arange(round(seconds * SAMPLE_RATE))) % len(whole)
    return whole[at]


class Speakers:
    """The audio of many streams at once; each stream starts at its own sample of the recordings.

    Args:
        streams: Number of streams.
        seed: The same seed gives the same audio.
    """

    def __init__(self, streams: int, seed: int = 0) -> None:
        tape = np.concatenate([clip.pcm for clip in load_clips()])
        self._length = len(tape)
        # The recordings go round: a packet that begins near the end runs on into the start.
        around = np.concatenate((tape, tape[:PACKET_SAMPLES]))
        self._windows = np.lib.stride_tricks.sliding_window_view(around, PACKET_SAMPLES)
        self._start = np.random.default_rng(seed).integers(0, len(tape), streams)

    def packet(self, rows: npt.NDArray[np.int64], number: int | npt.NDArray[np.int64]) -> Pcm:
        """Packet `number` (one number for all, or one each) of the streams `rows`, [len(rows) * PACKET_SAMPLES]."""
        at = (self._start[rows] + number * PACKET_SAMPLES) % self._length
        packets: Pcm = self._windows[at].reshape(-1)
        return packets

    def audio(self, row: int, samples: int) -> Pcm:
        """The first `samples` samples of one stream."""
        packets = -(-samples // PACKET_SAMPLES)
        rows = np.array([row])
        return np.concatenate([self.packet(rows, number) for number in range(packets)])[:samples]
