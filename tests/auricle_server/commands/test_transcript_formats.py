"""One transcript in every format that `auricle transcribe` prints."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

from auricle.protocol.server_messages import Final, LanguageSpan, Word
from auricle_server.captions.cues import CUE_CHARACTERS, CUE_SECONDS, cues_of
from auricle_server.commands.transcript_formats import FileTranscript, TranscriptFormat, render


def segment(*words: tuple[str, float, float]) -> Final:
    built = tuple(Word(text, start, end, 0.9) for text, start, end in words)
    text = " ".join(word.text for word in built)
    return Final(text=text, start=built[0].start, end=built[-1].end, language="en", words=built, settled=built[-1].end)


HELLO = segment(("Hello", 0.5, 0.9), ("there.", 0.9, 1.301))
LATER = segment(("Bye.", 3661.25, 3662.0))
TRANSCRIPT = FileTranscript("a.wav", 3663.0, "demo", 160, [HELLO, LATER])


def test_text_has_a_line_for_each_segment() -> None:
    assert render(TRANSCRIPT, TranscriptFormat.TEXT) == "Hello there.\nBye.\n"


def test_json_holds_everything() -> None:
    document = json.loads(render(TRANSCRIPT, TranscriptFormat.JSON))
    assert document["file"] == "a.wav"
    assert document["text"] == "Hello there. Bye."
    assert document["latency_ms"] == 160
    assert document["segments"][0]["words"][1] == {"text": "there.", "start": 0.9, "end": 1.301, "confidence": 0.9}


def test_json_says_where_a_segment_changes_its_language() -> None:
    spans = LanguageSpan("de-DE", 0.50049), LanguageSpan("en-US", 0.9)
    document = json.loads(
        render(FileTranscript("a.wav", 2.0, segments=[replace(HELLO, languages=spans)]), TranscriptFormat.JSON)
    )
    assert document["segments"][0]["languages"] == [
        {"language": "de-DE", "start": 0.5},
        {"language": "en-US", "start": 0.9},
    ]
    assert "languages" not in json.loads(render(TRANSCRIPT, TranscriptFormat.JSON))["segments"][0]


def test_srt() -> None:
    assert render(TRANSCRIPT, TranscriptFormat.SRT) == (
        "1\n00:00:00,500 --> 00:00:01,301\nHello there.\n\n2\n01:01:01,250 --> 01:01:02,000\nBye.\n"
    )


def test_vtt() -> None:
    assert render(TRANSCRIPT, TranscriptFormat.VTT) == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.301\nHello there.\n\n01:01:01.250 --> 01:01:02.000\nBye.\n"
    )


def test_an_empty_transcript_is_legal_in_every_format() -> None:
    empty = FileTranscript("silence.wav", 2.0)
    assert render(empty, TranscriptFormat.TEXT) == render(empty, TranscriptFormat.SRT) == ""
    assert render(empty, TranscriptFormat.VTT) == "WEBVTT\n"
    assert json.loads(render(empty, TranscriptFormat.JSON))["segments"] == []


def test_long_segments_are_cut_into_captions_that_can_be_read() -> None:
    words = [(f"word{number}", number * 0.4, number * 0.4 + 0.3) for number in range(100)]
    cues = list(cues_of([segment(*words)]))
    assert " ".join(cue.text for cue in cues) == " ".join(text for text, _, _ in words)
    assert all(len(cue.text) <= CUE_CHARACTERS and cue.end - cue.start <= CUE_SECONDS for cue in cues)
    assert all(earlier.end <= later.start for earlier, later in pairwise(cues))


def test_no_caption_runs_across_a_long_pause() -> None:
    cues = list(cues_of([segment(("One.", 0.0, 0.5), ("Two.", 4.0, 4.5))]))
    assert [(cue.start, cue.end) for cue in cues] == [(0.0, 0.5), (4.0, 4.5)]


def test_a_segment_without_words_is_one_caption() -> None:
    bare = Final(text="Hello.", start=1.0, end=2.0, language="en", settled=2.0)
    assert [cue.text for cue in cues_of([bare])] == ["Hello."]


def test_clocks_do_not_round_to_sixty_seconds() -> None:
    text = render(FileTranscript("a.wav", 60, segments=[segment(("x", 59.9996, 60.0))]), TranscriptFormat.SRT)
    assert not re.search(r":60[,.]", text)
    assert "00:01:00,000" in text
