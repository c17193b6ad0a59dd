"""JSON of a bounded size, whose errors are of one kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.parsing.json_text import parse_json, read_bounded


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 200_000, b"9" * 5_000, b"", b"\xff", b"[1"], ids=len)
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|JSON|Expecting|Exceeds|decode|char"):
        parse_json(text)


def test_json_is_read() -> None:
    assert parse_json(b'{"a": [1, null, "x"]}') == {"a": [1, None, "x"]}


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"1234")
    assert read_bounded(path, 4) == b"1234"
    with pytest.raises(BadCheckpoint, match=r"a\.json has more than 3 bytes"):
        read_bounded(path, 3)
    with path.open("wb") as stream:
        stream.truncate(8 << 30)
    with pytest.raises(BadCheckpoint, match="has more than"):
        read_bounded(path)
