"""Manifests and folders are read, and what is wrong with one is said line by line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from auricle_server.bench.clips import FOLDER
from auricle_server.bench.quality.recordings import ManifestError, SpeechSpan, read_recordings


def manifest(folder: Path, entries: Sequence[Any], files: Sequence[str] = ("a.wav", "b.wav")) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"audio")
    path = folder / "manifest.jsonl"
    path.write_text("".join(f"{entry if isinstance(entry, str) else json.dumps(entry)}\n" for entry in entries))
    return path


def test_a_line_is_a_recording(tmp_path: Path) -> None:
    path = manifest(
        tmp_path,
        [
            {"audio": "a.wav", "text": " Hello. ", "language": "en-GB", "speaker": "s1", "id": 7},
            "",
            {"audio_filepath": "b.wav", "text": "", "lang": "de", "duration": 2.0},
        ],
    )
    first, second = read_recordings(path)
    assert (first.name, first.path, first.text, first.language) == ("a.wav", tmp_path / "a.wav", "Hello.", "en-GB")
    assert first.speech is None
    assert (second.name, second.text, second.language) == ("b.wav", "", "de")
    assert second.speech == ()  # nothing is said in it


def test_paths_are_relative_to_the_manifest_and_may_be_absolute(tmp_path: Path) -> None:
    entries = [{"audio": "en/a.wav", "text": "x"}, {"audio": str(tmp_path / "en" / "a.wav"), "text": "x"}]
    found = read_recordings(manifest(tmp_path, entries, ["en/a.wav"]))
    assert [each.path for each in found] == [tmp_path / "en" / "a.wav"] * 2


def test_times_of_words_or_turns_tell_where_somebody_speaks(tmp_path: Path) -> None:
    words = [{"text": "b", "start": 1, "end": 1.2}, {"text": "a", "start": 0.5, "end": 0.7}]
    turns = [{"start": 0.4, "end": 1.3}]
    entries = [{"audio": "a.wav", "text": "a b", "words": words, "turns": turns}]
    entries.append({"audio": "b.wav", "text": "a b", "turns": turns})
    first, second = read_recordings(manifest(tmp_path, entries))
    assert first.speech == (SpeechSpan(0.5, 0.7), SpeechSpan(1.0, 1.2))
    assert second.speech == (SpeechSpan(0.4, 1.3),)


def test_every_wrong_line_is_named(tmp_path: Path) -> None:
    wrong = [
        "no json",
        ["a.wav"],
        {"text": "x"},
        {"audio": "a.wav"},
        {"audio": "missing.wav", "text": "x"},
        {"audio": "a.wav", "text": "x", "language": 3},
        {"audio": "a.wav", "text": "x", "words": ["x"]},
        {"audio": "a.wav", "text": "fine"},
    ]
    with pytest.raises(ManifestError) as raised:
        read_recordings(manifest(tmp_path, wrong))
    lines = str(raised.value).splitlines()
    assert "manifest.jsonl" in lines[0]
    assert [line.split(":")[0].strip() for line in lines[1:]] == [f"line {number}" for number in range(1, 8)]
    expected = ("not JSON", "a JSON object", "audio is missing", "text is missing", "no such file", "language", "words")
    for line, problem in zip(lines[1:], expected, strict=True):
        assert problem in line


def test_of_many_wrong_lines_ten_are_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as raised:
        read_recordings(manifest(tmp_path, [{"text": "x"}] * 25))
    lines = str(raised.value).splitlines()
    assert len(lines) == 12
    assert lines[-1].strip() == "and 15 more"


def test_a_limit_reads_no_further(tmp_path: Path) -> None:
    entries = [{"audio": "a.wav", "text": "x"}, {"audio": "b.wav", "text": "y"}, {"audio": "missing.wav", "text": "z"}]
    assert [each.text for each in read_recordings(manifest(tmp_path, entries), limit=2)] == ["x", "y"]


def test_the_bundled_clips_are_a_manifest() -> None:
    found = read_recordings(FOLDER / "manifest.json")
    assert len(found) == 8
    assert all(each.path.is_file() and each.speech for each in found)


def test_a_folder_of_audio_with_texts(tmp_path: Path) -> None:
    for name, text in (("b.flac", "Second.\n"), ("a.WAV", "First\n  one."), ("c.mp3", "")):
        (tmp_path / name).write_bytes(b"audio")
        (tmp_path / name).with_suffix(".txt").write_text(text)
    (tmp_path / "notes.md").write_text("no recording")
    found = read_recordings(tmp_path)
    assert [(each.name, each.text) for each in found] == [("a.WAV", "First one."), ("b.flac", "Second."), ("c.mp3", "")]
    assert found[2].speech == ()
    assert len(read_recordings(tmp_path, limit=1)) == 1


def test_audio_without_its_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"audio")
    with pytest.raises(ManifestError, match=r"a\.wav: its text is missing; write it to a\.txt"):
        read_recordings(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing.jsonl", None, "no such file"),
        ("empty.jsonl", b"\n\n", "holds no recording"),
        ("audio.wav", b"RIFF\xff\xfe\xfd", "not UTF-8"),
        ("broken.json", b'[{"audio": "a.wav"', "not JSON"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ManifestError, match=problem) as raised:
        read_recordings(tmp_path / name)
    assert name in str(raised.value)


def test_a_folder_with_a_manifest_alone_points_at_it(tmp_path: Path) -> None:
    manifest(tmp_path, [{"audio": "a.wav", "text": "x"}], [])
    with pytest.raises(ManifestError, match=r"did you mean .*manifest\.jsonl"):
        read_recordings(tmp_path)
