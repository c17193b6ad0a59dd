"""What is played: the bundled clips, one after the other, with pauses in between."""

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
# Silence from one speaker's true end to the next speaker: the slowest turn end (1.12 s chunks, 500 ms of silence, the
# last word decoded a chunk late) falls into it.
PAUSE_SECONDS = 2.2
SHOW_SECONDS = 60.0
"""Longest programme: the whole demo, set-up aside, is to take less than 90 seconds."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One turn of a recording.

    Attributes:
        text: What is said.
        voice: Who says it, and in what noise.
        pcm: 16 kHz mono, little-endian signed 16 bit.
        speech_end: Seconds into the clip at which speech truly ends.
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
        text: What is said.
        voice: Who says it.
        begins: Where the clip begins.
        speech_end: Where its speech truly ends.
        until: Where what follows belongs to the next utterance.
    """

    text: str
    voice: str
    begins: float
    speech_end: float
    until: float


@dataclass(frozen=True, slots=True)
class Programme:
    """One stream's audio and what is in it."""

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
        """The frame's PCM; silence past the end."""
        size = frame_bytes()
        return self.pcm[number * size : (number + 1) * size].ljust(size, b"\0")

    def utterance_at(self, seconds: float) -> int:
        """Index of the utterance that owns this moment; the last one owns all that comes after it."""
        for index, utterance in enumerate(self.utterances):
            if seconds < utterance.until:
                return index
        return len(self.utterances) - 1


def frame_bytes() -> int:
    """Bytes of one frame as both hosts play it."""
    return round(SAMPLE_RATE * FRAME_SECONDS) * 2


def load_clips(folder: Path = AUDIO_FOLDER) -> list[Clip]:
    """Reads the clips that ``manifest.json`` names, one for each turn, as many as `SHOW_SECONDS` hold.

    Each entry has `file`, `text`, `voice` and `speech_end`, and where the speaker pauses, `turns` with the text, start
    and end of each.

    Raises:
        FileNotFoundError: There is no manifest, or no such file.
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
    """One file's turns, cut in the middle of the pauses between them."""
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
    """Strings the clips together so that each is followed by `PAUSE_SECONDS` of silence after its true end."""
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
