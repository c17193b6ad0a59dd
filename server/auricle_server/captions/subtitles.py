"""Captions as SubRip (srt) and as WebVTT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from auricle_server.captions.cues import Cue, cues_of

if TYPE_CHECKING:
    from auricle.protocol.server_messages import Final


def as_srt(segments: Sequence[Final]) -> str:
    """The captions of a transcript as SubRip."""
    cues = enumerate(cues_of(segments), 1)
    return "\n".join(f"{number}\n{_span(cue, ',')}\n{_lines(cue)}\n" for number, cue in cues)


def as_vtt(segments: Sequence[Final]) -> str:
    """The captions of a transcript as WebVTT."""
    # WebVTT, section 4.2.2: these three begin a tag, an escape, or an arrow.
    cues = "".join(f"\n{_span(cue, '.')}\n{_escaped_cue(_lines(cue))}\n" for cue in cues_of(segments))
    return "WEBVTT\n" + cues


def _lines(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _escaped_cue(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _span(cue: Cue, decimal: str) -> str:
    return f"{_clock(cue.start, decimal)} --> {_clock(cue.end, decimal)}"


def _clock(seconds: float, decimal: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, milliseconds = divmod(rest, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{decimal}{milliseconds:03}"
