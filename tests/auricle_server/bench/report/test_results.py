from __future__ import annotations

import json
from pathlib import Path

import pytest

from auricle_server.bench.report.results import load, record, write


def test_a_record_says_where_it_comes_from(tmp_path: Path) -> None:
    result = record("engine", {"hold": 1, "out": tmp_path}, {"value": 0.123456789, "values": [1.23456789]})
    assert result["figures"] == {"value": 0.123457, "values": [1.234568]}
    assert result["options"] == {"hold": 1}
    assert result["machine"]["cores"] >= 1
    assert {"python", "torch"} <= set(result["versions"])
    path = write(result, tmp_path, "x")
    assert path == tmp_path / "x.json"
    assert json.loads(path.read_text()) == result


def test_records_of_another_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(ValueError, match="format 1"):
        load(tmp_path)


def test_a_list_of_numbers_is_one_line_of_a_record(tmp_path: Path) -> None:
    figures = {"points": [[1, 0.5, -2e-05], [2]], "none": [], "text": "[\n 1,\n 2\n]", "mixed": [1, "a"]}
    path = write(record("serve", {}, figures), tmp_path, "x")
    assert "[1, 0.5, -2e-05]" in path.read_text()
    assert load(tmp_path)[0]["figures"] == figures
