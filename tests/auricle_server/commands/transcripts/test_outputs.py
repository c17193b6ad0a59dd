"""The files of transcripts are tried before anything is read, and no two inputs share one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from auricle_server.commands.transcript_formats import FileTranscript, TranscriptFormat
from auricle_server.commands.transcripts.outputs import (
    TranscriptFolder,
    TranscriptPublisher,
    UnusableOutput,
    UnwrittenTranscript,
)


def folder(path: Path, kind: TranscriptFormat = TranscriptFormat.TEXT, *, split: bool = False) -> TranscriptFolder:
    return TranscriptFolder(path, kind, split=split)


def test_names(tmp_path: Path) -> None:
    out = folder(tmp_path, TranscriptFormat.VTT)
    assert out.target("calls/a.wav").name == "a.wav.vtt"
    assert out.target("-").name == "stdin.vtt"
    assert folder(tmp_path).target("-").name == "stdin.txt"
    assert folder(tmp_path, split=True).target("a.wav", 2).name == "a.wav.2.txt"
    assert folder(tmp_path).target("a.wav", 2).name == "a.wav.txt"


def test_the_trial_leaves_an_empty_folder_and_what_was_in_it(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    assert folder(out).prepare(["a.wav", "b.wav", "-"]) == {}
    assert list(out.iterdir()) == []
    (out / "a.wav.txt").write_text("from before")
    assert folder(out).prepare(["a.wav"]) == {}
    assert (out / "a.wav.txt").read_text() == "from before"


@pytest.mark.parametrize(
    "files", [["a/x.wav", "b/x.wav"], ["x.wav", "./x.wav"], ["-", "-"], ["-", "stdin"], ["a.wav", "c.wav", "b/a.wav"]]
)
@pytest.mark.parametrize("split", [False, True])
def test_two_inputs_of_one_output_are_refused_with_both_names(tmp_path: Path, files: list[str], split: bool) -> None:
    with pytest.raises(UnusableOutput) as refused:
        folder(tmp_path, split=split).prepare(files)
    assert files[0] in str(refused.value)
    assert files[-1] in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_two_names_of_one_file_are_one_output(tmp_path: Path) -> None:
    """By a link here; a file system that does not tell upper from lower case has the same."""
    (tmp_path / "a.wav.txt").write_text("")
    (tmp_path / "b.wav.txt").hardlink_to(tmp_path / "a.wav.txt")
    with pytest.raises(UnusableOutput, match=r"a\.wav and b\.wav"):
        folder(tmp_path).prepare(["a.wav", "b.wav"])


def test_no_recording_is_replaced(tmp_path: Path) -> None:
    recording = tmp_path / "x.txt"  # the transcript of `x` has this name
    recording.write_bytes(b"RIFF")
    with pytest.raises(UnusableOutput, match="would replace the recording"):
        folder(tmp_path).prepare(["x", str(recording)])
    assert recording.read_bytes() == b"RIFF"


@pytest.mark.parametrize("out", ["file/out", "file", "/proc/out"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableOutput, match=f"cannot write to .*{out.rpartition('/')[2]}"):
        folder(tmp_path / out).prepare(["a.wav"])


def test_one_output_that_cannot_be_written_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "b.wav.txt").mkdir()
    long = "x" * 253
    failures = folder(tmp_path).prepare(["a.wav", "b.wav", long])
    assert set(failures) == {"b.wav", long}
    assert "File name too long" in failures[long]


def test_a_name_that_is_no_utf_8_is_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.wav")
    out = folder(tmp_path)
    assert out.prepare([name]) == {}
    out.write(name, None, "text")
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [b"caf\xe9.wav.txt"]


def test_what_cannot_be_written_in_the_end_goes_to_standard_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    publisher = TranscriptPublisher(TranscriptFormat.JSON, out, split=False, headers=False)
    assert publisher.prepare(["a.wav"]) == frozenset()
    out.rmdir()
    with pytest.raises(UnwrittenTranscript, match=r"cannot write to .*a\.wav\.txt|cannot write to .*a\.wav\.json"):
        publisher.publish("a.wav", FileTranscript("a.wav", 1.0))
    assert '"file": "a.wav"' in capfd.readouterr().out
