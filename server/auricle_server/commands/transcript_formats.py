"""A transcript as text, JSON, SubRip (srt) or WebVTT. Does no I/O."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from auricle_server.captions.subtitles import as_srt, as_vtt

if TYPE_CHECKING:
    from auricle.protocol.server_messages import Final, Word


class TranscriptFormat(StrEnum):
    """The output formats of `auricle transcribe`."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


@dataclass(slots=True)
class FileTranscript:
    """The transcript of one file.

    Attributes:
        file: The name that the user gave.
        duration: Seconds of audio.
        model: Name of the model.
        latency_ms: Chunk latency of the stream.
        segments: Non-empty finals in order.
        channel: The channel that it is of, from 1; None for all.
    """

    file: str
    duration: float
    model: str = ""
    latency_ms: int = 0
    segments: list[Final] = field(default_factory=list)
    channel: int | None = None

    @property
    def text(self) -> str:
        """The text of all segments in one line."""
        return " ".join(segment.text for segment in self.segments)


def render(transcript: FileTranscript, kind: TranscriptFormat) -> str:
    """The transcript in the given format, with a final newline."""
    return _RENDERERS[kind](transcript)


def _text(transcript: FileTranscript) -> str:
    return "".join(f"{segment.text}\n" for segment in transcript.segments)


def _json(transcript: FileTranscript) -> str:
    segments = [
        {
            "text": segment.text,
            "start": round(segment.start, 3),
            "end": round(segment.end, 3),
            "language": segment.language,
            **_languages(segment),
            "confidence": segment.confidence,
            "words": [_rounded(word) for word in segment.words],
        }
        for segment in transcript.segments
    ]
    document = {
        "file": transcript.file,
        **({} if transcript.channel is None else {"channel": transcript.channel}),
        "duration": round(transcript.duration, 3),
        "model": transcript.model,
        "latency_ms": transcript.latency_ms,
        "text": transcript.text,
        "segments": segments,
    }
    return json.dumps(document, ensure_ascii=False) + "\n"


def _languages(segment: Final) -> dict[str, list[dict[str, object]]]:
    """The start of each language in a segment with several; empty otherwise."""
    spans: list[dict[str, object]] = [
        {"language": span.language, "start": round(span.start, 3)} for span in segment.languages
    ]
    return {"languages": spans} if spans else {}


def _rounded(word: Word) -> dict[str, str | float]:
    return {name: value if isinstance(value, str) else round(value, 3) for name, value in asdict(word).items()}


_RENDERERS: dict[TranscriptFormat, Callable[[FileTranscript], str]] = {
    TranscriptFormat.TEXT: _text,
    TranscriptFormat.JSON: _json,
    TranscriptFormat.SRT: lambda transcript: as_srt(transcript.segments),
    TranscriptFormat.VTT: lambda transcript: as_vtt(transcript.segments),
}
