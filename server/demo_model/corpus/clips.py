"""Clips, one sentence each, in shards: one FLAC file with their audio, one JSON file with what they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from demo_model.audio.phones import Phone
from demo_model.audio.voices import SAMPLE_RATE

MILLISECONDS = 1000


@dataclass(frozen=True)
class SentenceClip:
    """A sentence in one voice.

    Attributes:
        audio: 16-bit samples at 16 kHz, without silence around them.
        phones: When each phone sounds, in seconds; one nameless phone where the engine does not say.
        text: As it is written.
        voice: Name of engine and speaker.
        group: The family of its text.
        language: BCP-47 code.
    """

    audio: NDArray[np.int16]
    phones: tuple[Phone, ...]
    text: str
    voice: str
    group: str
    language: str = "en-US"

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.audio) / SAMPLE_RATE


def write_shard(path: Path, clips: list[SentenceClip]) -> None:
    """Write ``path.flac`` and then ``path.json``: a shard whose second file exists is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "samples": len(clip.audio), "text": clip.text, "voice": clip.voice, "group": clip.group,
            "language": clip.language,
            "phones": [
                [phone.name, round(phone.start * MILLISECONDS), round(phone.end * MILLISECONDS)]
                for phone in clip.phones
            ],
        }
        for clip in clips
    ]  # fmt: skip
    soundfile.write(path.with_suffix(".flac"), np.concatenate([clip.audio for clip in clips]), SAMPLE_RATE)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(rows, ensure_ascii=False, separators=(",", ":")))
    part.replace(path.with_suffix(".json"))


def read_shard(path: Path) -> list[SentenceClip]:
    """The clips of the shard whose JSON file is `path`."""
    audio, _ = soundfile.read(path.with_suffix(".flac"), dtype="int16")
    clips, at = [], 0
    for row in json.loads(path.read_text("utf-8")):
        phones = tuple(Phone(name, start / MILLISECONDS, end / MILLISECONDS) for name, start, end in row["phones"])
        end = at + row["samples"]
        clips.append(SentenceClip(audio[at:end], phones, row["text"], row["voice"], row["group"], row["language"]))
        at = end
    return clips


def seconds_of(path: Path) -> float:
    """Seconds of audio in the shard whose JSON file is `path`."""
    return float(sum(row["samples"] for row in json.loads(path.read_text("utf-8")))) / SAMPLE_RATE
