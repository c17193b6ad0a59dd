"""Captions as files that players read."""

from __future__ import annotations

from auricle.protocol.server_messages import Final, Word
from auricle_server.captions.subtitles import as_srt, as_vtt


def segment(text: str, start: float, end: float) -> Final:
    return Final(text=text, start=start, end=end, language="en", words=(Word(text, start, end, 0.9),), settled=end)


SEGMENTS = segment("<b>", 0.5, 1.301), segment("Q&A", 3661.25, 3662.0)


def test_srt_has_numbers_and_commas() -> None:
    assert as_srt(SEGMENTS) == ("1\n00:00:00,500 --> 00:00:01,301\n<b>\n\n2\n01:01:01,250 --> 01:01:02,000\nQ&A\n")


def test_vtt_escapes_what_begins_a_tag() -> None:
    assert as_vtt(SEGMENTS) == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.301\n&lt;b&gt;\n\n01:01:01.250 --> 01:01:02.000\nQ&amp;A\n"
    )


def test_nothing_said_is_a_file_without_captions() -> None:
    assert (as_srt(()), as_vtt(())) == ("", "WEBVTT\n")
