from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.inputs.manifests import parse_channel, read_manifest
from auricle_server.archives.inputs.sources import ArchiveFile

DEFAULTS = ArchiveFile("", language="en", channel="mix", keyterms=("Auricle",))
ROWS: list[dict[str, Any]] = [
    {"audio_filepath": "a.wav", "duration": 3.5, "id": 7, "language": "de", "channel": 2, "keyterms": ["Riva"]},
    {"path": "/abs/b.wav", "channel": "split"},
    {"uri": "memory://far/c.wav", "lang": "fr", "key_terms": []},
]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_rows_of_every_kind(tmp_path: Path, suffix: str) -> None:
    manifest = tmp_path / f"list{suffix}"
    if suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        columns = dict.fromkeys(name for row in ROWS for name in row)
        texts = [{name: row.get(name) for name in columns} | {"channel": _text(row)} for row in ROWS]
        parquet.write_table(pa.Table.from_pylist(texts), manifest)
    else:
        manifest.write_bytes(b"\xef\xbb\xbf" + "\n\n".join(map(json.dumps, ROWS)).encode())
    assert list(read_manifest(str(manifest), DEFAULTS)) == [
        ArchiveFile(str(tmp_path / "a.wav"), None, "7", "de", "2", ("Riva",)),
        ArchiveFile("/abs/b.wav", None, None, "en", "split", ("Auricle",)),
        ArchiveFile("memory:///far/c.wav", None, None, "fr", "mix", ("Auricle",)),
    ]


def _text(row: dict[str, Any]) -> str | None:
    """A column of Parquet has one type."""
    return str(row["channel"]) if "channel" in row else None


def test_relative_names_of_a_remote_manifest_begin_at_its_folder() -> None:
    import fsspec

    fsspec.filesystem("memory").pipe("/lists/m.jsonl", b'{"path": "calls/a.wav"}')
    (file,) = read_manifest("memory://lists/m.jsonl", DEFAULTS)
    assert file.source == "memory:///lists/calls/a.wav"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "row 2 is no JSON"),
        ("[]", "row 2 is no JSON object"),
        ("{}", "row 2: it names no recording: expected a text in one of audio_filepath, path, uri, audio"),
        ('{"path": 3}', "row 2: it names no recording"),
        ('{"path": "a", "channel": "left"}', "row 2: 'left' is no channel"),
        ('{"path": "a", "channel": 0}', "row 2: 0 is no channel"),
        ('{"path": "a", "language": 3}', "row 2: language is 3: expected a text"),
        ('{"path": "a", "keyterms": "Riva"}', "row 2: keyterms are 'Riva': expected a list of texts"),
        ('{"path": "a", "keyterms": 3}', "row 2: keyterms are 3"),
        ('{"path": "a", "keyterms": [3]}', r"row 2: keyterms are \[3\]"),
    ],
)
def test_a_bad_row_is_named_by_its_number(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "m.jsonl").write_text(f'{{"path": "a.wav"}}\n{line}\n')
    with pytest.raises(ArchiveError, match=told):
        list(read_manifest(str(tmp_path / "m.jsonl"), DEFAULTS))


@pytest.mark.parametrize("name", ["m.jsonl", "m.parquet"])
def test_a_file_that_is_no_manifest(tmp_path: Path, name: str) -> None:
    import pyarrow as pa  # noqa: F401

    (tmp_path / name).write_bytes(b"RIFF\xff\xff")
    with pytest.raises(ArchiveError, match=name):
        list(read_manifest(str(tmp_path / name), DEFAULTS))


def test_channels() -> None:
    assert [parse_channel(value) for value in ("mix", "split", "01", 2)] == ["mix", "split", "1", "2"]
    for value in ("", "0", "-1", "1.5", "²"):
        with pytest.raises(ValueError, match="is no channel"):
            parse_channel(value)
