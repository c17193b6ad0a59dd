from __future__ import annotations

import pytest

from auricle_server.archives.archive_format import ArchiveFormat, Table
from auricle_server.archives.file_transcription import ChannelSpeech
from auricle_server.archives.inputs.sources import ArchiveFile, FileVersion
from auricle_server.archives.tables import part_formats
from auricle_server.archives.tables.part_formats import encode
from auricle_server.archives.tables.rows import Row, as_line, failure_row, transcript_row

TRANSCRIPT = transcript_row(
    ArchiveFile("/a.wav"), FileVersion(3), ChannelSpeech("m", 80, ()), channel=1, duration=1.5, notes=["n"]
)
FAILURE = failure_row(ArchiveFile("/b\u2028.wav"), "it is broken")


@pytest.mark.parametrize("kind", ArchiveFormat)
@pytest.mark.parametrize(("table", "row"), [(Table.TRANSCRIPTS, TRANSCRIPT), (Table.FAILURES, FAILURE)])
def test_rows_come_back_with_every_column(table: Table, row: Row, kind: ArchiveFormat) -> None:
    content = encode([as_line(row)] * 2, table, kind)
    assert part_formats.rows(content, kind) == [row, row]
    assert list(part_formats.keys(content, kind)) == [row["key"]] * 2
    assert part_formats.schema(table).names == list(row)


def test_keys_of_lines_that_another_program_wrote() -> None:
    assert list(part_formats.keys(b'{"text": "", "key":"k"}\n', ArchiveFormat.JSONL)) == ["k"]


@pytest.mark.parametrize("content", [b'{"key": "0', b"no json\n"])
def test_a_damaged_file_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(part_formats.keys(content, ArchiveFormat.JSONL))
