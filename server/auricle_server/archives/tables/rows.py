"""The rows of an archive's tables: what was said in a recording, and why one could not be transcribed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from auricle.protocol.server_messages import Final
from auricle_server.archives.file_transcription import ChannelSpeech
from auricle_server.archives.inputs.sources import ArchiveFile, FileVersion

Row = dict[str, Any]
_DIGITS = 3
"""Milliseconds, and thousandths of a probability, as `auricle transcribe --format json` writes them."""


def transcript_row(
    file: ArchiveFile,
    version: FileVersion,
    transcript: ChannelSpeech,
    *,
    channel: int | None,
    duration: float,
    notes: Sequence[str] = (),
) -> Row:
    """A transcript.

    Args:
        file: What was asked.
        version: Of the file that was read.
        transcript: What was said.
        channel: The channel that it is of, from 1; None for all.
        duration: Seconds of audio that were read.
        notes: What else is worth knowing.
    """
    segments = transcript.segments
    return {
        "key": file.key,  # first, so that it is found without reading the whole row
        "source": printed(file.source),
        "id": file.id,
        "channel": channel,
        "language": segments[0].language if segments else file.language,
        "duration": round(duration, _DIGITS),
        "model": transcript.model,
        "latency_ms": transcript.latency_ms,
        "text": " ".join(segment.text for segment in segments),
        "words": [
            {
                "text": word.text,
                "start": round(word.start, _DIGITS),
                "end": round(word.end, _DIGITS),
                "confidence": round(word.confidence, _DIGITS),
            }
            for segment in segments
            for word in segment.words
        ],
        "segments": [_segment(segment) for segment in segments],
        "notes": list(notes),
        "damage": None if transcript.damage is None else str(transcript.damage),
        "size": version.size,
        "modified": version.modified,
        "etag": version.etag,
    }


def _segment(segment: Final) -> Row:
    return {
        "text": segment.text,
        "start": round(segment.start, _DIGITS),
        "end": round(segment.end, _DIGITS),
        "language": segment.language,
        "confidence": segment.confidence,
    }


def failure_row(file: ArchiveFile, reason: str, version: FileVersion | None = None) -> Row:
    """A file that could not be transcribed, and why."""
    version = version or FileVersion(file.size)
    return {
        "key": file.key,
        "source": printed(file.source),
        "id": file.id,
        "requested_channel": file.channel,
        "reason": reason,
        "failed": datetime.now(UTC).isoformat(timespec="seconds"),
        "size": version.size,
        "modified": version.modified,
        "etag": version.etag,
    }


def printed(source: str) -> str:
    """A path as text: bytes that are no UTF-8 become escapes, because neither JSON nor Parquet can hold them."""
    return source.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def as_line(row: Row) -> str:
    """A row as a line of JSON, without its end. Characters that no text may hold become escapes."""
    text = json.dumps(row, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()
