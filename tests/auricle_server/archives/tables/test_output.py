from __future__ import annotations

import json
from pathlib import Path

import pytest

from auricle_server.archives.archive_format import ArchiveFormat, Table
from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.inputs.sources import ArchiveFile
from auricle_server.archives.tables.output import ArchiveOutput
from auricle_server.archives.tables.rows import as_line, failure_row
from auricle_server.archives.tables.storage import LocalStorage

A, B, C = (ArchiveFile(f"/{name}.wav") for name in "abc")


def opened(folder: Path, kind: ArchiveFormat = ArchiveFormat.JSONL) -> ArchiveOutput:
    return ArchiveOutput(LocalStorage(folder), "out", kind)


def line(file: ArchiveFile, reason: str = "broken") -> str:
    return as_line(failure_row(file, reason))


def test_what_is_done_follows_from_the_parts(tmp_path: Path) -> None:
    output = opened(tmp_path)
    output.add(Table.TRANSCRIPTS, [line(A)])
    output.add(Table.FAILURES, [line(A), line(B)])
    again = opened(tmp_path)
    again.add(Table.TRANSCRIPTS, [line(C)])
    assert again.done() == {A.key, C.key}
    assert again.failed(again.done()) == {B.key}
    assert [name[:11] for name in LocalStorage(tmp_path).names("transcripts")] == ["part-000001", "part-000002"]


def test_half_a_part_is_no_part(tmp_path: Path) -> None:
    opened(tmp_path).add(Table.TRANSCRIPTS, [line(A)])
    (tmp_path / "transcripts" / ".part-000002-x.jsonl.1234").write_text('{"key": "')
    assert opened(tmp_path).done() == {A.key}


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "transcripts").mkdir()
    (tmp_path / "transcripts" / "part-000001-x.jsonl").write_text('{"key": "')
    with pytest.raises(ArchiveError, match=r"out/transcripts/part-000001-x.jsonl is damaged .*: move it away"):
        opened(tmp_path).done()


@pytest.mark.parametrize("kind", ArchiveFormat)
def test_failures_have_one_row_each_and_go_when_there_is_a_transcript(tmp_path: Path, kind: ArchiveFormat) -> None:
    import pyarrow as pa  # noqa: F401

    output = opened(tmp_path, kind)
    assert output.tidy_failures() == 0
    output.add(Table.FAILURES, [line(A, "first"), line(B, "first")])
    output.add(Table.FAILURES, [line(A, "second")])
    assert output.tidy_failures() == 2
    (part,) = LocalStorage(tmp_path).names("failures")
    assert b"second" in (tmp_path / "failures" / part).read_bytes()
    output.add(Table.FAILURES, [])  # adds no part
    (tmp_path / "transcripts").mkdir()
    assert output.tidy_failures() == 2
    assert LocalStorage(tmp_path).names("failures") == [part]  # as it was


def test_a_failure_that_was_mended_leaves_the_table(tmp_path: Path) -> None:
    output = opened(tmp_path)
    output.add(Table.FAILURES, [line(A), line(B)])
    output.add(Table.TRANSCRIPTS, [line(A), line(B)])
    assert output.tidy_failures() == 0
    assert LocalStorage(tmp_path).names("failures") == []


def test_an_archive_is_continued_with_the_settings_that_it_was_begun_with(tmp_path: Path) -> None:
    opened(tmp_path).require_settings({"model": "a"}, write=False)
    assert not (tmp_path / "archive.json").exists()
    opened(tmp_path).require_settings({"model": "a"})
    opened(tmp_path).require_settings({"model": "a"})
    with pytest.raises(ArchiveError, match="out was begun with model 'a', not 'b': use the same, or another folder"):
        opened(tmp_path).require_settings({"model": "b"})
    with pytest.raises(ArchiveError, match="begun with format 'jsonl', not 'parquet'"):
        opened(tmp_path, ArchiveFormat.PARQUET).require_settings({"model": "a"})
    (tmp_path / "archive.json").write_text("{")
    with pytest.raises(ArchiveError, match="is no JSON"):
        opened(tmp_path).require_settings({"model": "a"})


def test_parts_of_unknown_origin_are_not_added_to(tmp_path: Path) -> None:
    opened(tmp_path).add(Table.TRANSCRIPTS, [json.dumps({"key": "k"})])
    with pytest.raises(ArchiveError, match=r"has parts but no archive\.json"):
        opened(tmp_path).require_settings({})
