from __future__ import annotations

import json
import os

from auricle.protocol.server_messages import Final, Word
from auricle_server.archives.file_transcription import ChannelSpeech
from auricle_server.archives.inputs.sources import ArchiveFile, FileVersion
from auricle_server.archives.tables.rows import as_line, failure_row, transcript_row

FILE = ArchiveFile(os.fsdecode(b"/odd\xff\nname.wav"), 5, "7", "de")


def final(text: str, start: float) -> Final:
    words = (Word(text, start, start + 0.25, 0.98765),)
    return Final(
        seq=1, audio_time=start, text=text, start=start, end=start + 0.25, language="de-DE", words=words, settled=start
    )


def test_a_transcript() -> None:
    transcript = ChannelSpeech("m", 1120, (final("guten", 0.12345), final("Tag", 1.0)))
    row = transcript_row(FILE, FileVersion(5, "2026"), transcript, channel=None, duration=2.00049)
    assert row["text"] == "guten Tag"
    assert row["words"][0] == {"text": "guten", "start": 0.123, "end": 0.373, "confidence": 0.988}
    assert [segment["text"] for segment in row["segments"]] == ["guten", "Tag"]
    assert (row["language"], row["duration"], row["id"], row["damage"]) == ("de-DE", 2.0, "7", None)


def test_silence_has_the_language_that_was_asked_for() -> None:
    row = transcript_row(FILE, FileVersion(), ChannelSpeech("m", 80, ()), channel=1, duration=1.0)
    assert (row["text"], row["words"], row["language"], row["channel"]) == ("", [], "de", 1)


def test_bytes_that_are_no_text_become_escapes() -> None:
    line = as_line(failure_row(FILE, "lone \ud800 surrogate"))
    assert "\n" not in line
    row = json.loads(line.encode())
    assert row["source"] == "/odd\\xff\nname.wav"
    assert row["size"] == 5
