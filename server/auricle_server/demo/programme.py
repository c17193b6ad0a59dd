"""The audio of the demo: the clips one after another, with pauses between them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

AUDIO_FOLDER = Path(__file__).parent / "audio"
SAMPLE_RATE = 16_000
FRAME_SECONDS = 0.02
_BYTES_PER_SECOND = 2 * SAMPLE_RATE
LEAD_SECONDS = 0.4
PAUSE_SECONDS = 2.2
"""Silence between the true end of one speaker and the next speaker. The slowest turn end falls into it: chunks of
1.12 s, 500 ms of silence, and a last word that is decoded one chunk late."""
SHOW_SECONDS = 60.0
"""Longest programme: without set-up the demo takes less than 90 seconds."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One turn of a recording.

    Attributes:
        text: The spoken text.
        voice: The voice and its acoustic condition.
        pcm: 16 kHz mono, little-endian signed 16 bit.
        speech_end: True end of speech, in seconds of the clip.
    """

    text: str
    voice: str
    pcm: bytes = field(repr=False)
    speech_end: float

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.pcm) / _BYTES_PER_SECOND


@dataclass(frozen=True, slots=True)
class ScriptedUtterance:
    """A clip's place in the programme, in seconds of the stream.

    Attributes:
        text: The spoken text.
        voice: The voice and its acoustic condition.
        begins: Start of the clip.
        speech_end: True end of its speech.
        until: Start of the next utterance's share of the stream.
    """

    text: str
    voice: str
    begins: float
    speech_end: float
    until: float


@dataclass(frozen=True, slots=True)
class Programme:
    """The audio of a stream, and its utterances."""

    pcm: bytes = field(repr=False)
    utterances: tuple[ScriptedUtterance, ...]

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.pcm) / _BYTES_PER_SECOND

    @property
    def frames(self) -> int:
        """Number of `FRAME_SECONDS` frames."""
        return len(self.pcm) // frame_bytes()

    def frame(self, number: int) -> bytes:
        """PCM of a frame; silence after the end."""
        size = frame_bytes()
        return self.pcm[number * size : (number + 1) * size].ljust(size, b"\0")

    def utterance_at(self, seconds: float) -> int:
        """Index of the utterance to which a moment belongs; moments after the last one belong to it."""
        for index, utterance in enumerate(self.utterances):
            if seconds < utterance.until:
                return index
        return len(self.utterances) - 1


def frame_bytes() -> int:
    """Bytes of one frame."""
    return round(SAMPLE_RATE * FRAME_SECONDS) * 2


def load_clips(folder: Path = AUDIO_FOLDER) -> list[Clip]:
    """Reads the clips of ``manifest.json``, one for each turn, up to `SHOW_SECONDS`.

    Each entry has `file`, `text`, `voice` and `speech_end`. A file with several turns has `turns` too, with the text,
    start and end of each.

    Raises:
        FileNotFoundError: The manifest or a file of it is missing.
        ValueError: A file is not 16 kHz mono.
    """
    manifest: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    clips: list[Clip] = []
    for entry in manifest:
        turns = _load_turns(folder, entry)
        if clips and compose([*clips, *turns]).duration > SHOW_SECONDS:
            break
        clips += turns
    return clips


def _load_turns(folder: Path, entry: dict[str, Any]) -> list[Clip]:
    """The turns of a file, cut in the middle of the pauses between them."""
    import soundfile

    samples, rate = soundfile.read(folder / entry["file"], dtype="int16")
    if rate != SAMPLE_RATE or samples.ndim != 1:
        raise ValueError(f"{entry['file']}: expected {SAMPLE_RATE} Hz mono, got {rate} Hz, shape {samples.shape}")
    turns = entry.get("turns") or [{"text": entry["text"], "start": 0.0, "end": entry["speech_end"]}]
    cuts = [0, *(round((a["end"] + b["start"]) / 2 * SAMPLE_RATE) for a, b in pairwise(turns)), len(samples)]
    voice = ", ".join(entry[key] for key in ("voice", "condition") if key in entry)
    return [
        Clip(turn["text"], voice, samples[begin:end].astype("<i2").tobytes(), turn["end"] - begin / SAMPLE_RATE)
        for turn, (begin, end) in zip(turns, pairwise(cuts), strict=True)
    ]


def compose(clips: Sequence[Clip]) -> Programme:
    """Joins the clips, with `PAUSE_SECONDS` of silence after the true end of each."""
    pcm = bytearray(_silence(LEAD_SECONDS))
    utterances = []
    for clip in clips:
        begins = len(pcm) / _BYTES_PER_SECOND
        speech_end = begins + clip.speech_end
        pcm += clip.pcm
        pcm += _silence(max(0.0, speech_end + PAUSE_SECONDS - len(pcm) / _BYTES_PER_SECOND))
        utterances.append(ScriptedUtterance(clip.text, clip.voice, begins, speech_end, len(pcm) / _BYTES_PER_SECOND))
    return Programme(bytes(pcm), tuple(utterances))


def _silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * SAMPLE_RATE))
