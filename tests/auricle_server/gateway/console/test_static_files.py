"""Which files browsers may have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from auricle_server.gateway.console.static_files import StaticFiles


def test_files_of_folders_are_found_by_their_paths(tmp_path: Path) -> None:
    page, other = tmp_path / "page", tmp_path / "auricle.js"
    (page / "inner").mkdir(parents=True)
    (page / "index.html").write_text("<p>")
    (page / "inner" / "a.css").write_text("p {}")
    (page / "notes.txt").write_text("no kind that is served")
    (page / "script.py").write_text("no kind that is served")
    other.write_text("export {}")
    files = StaticFiles((("", page), ("auricle.js", other), ("gone.js", tmp_path / "gone.js"), ("more/", page)))
    names = ["index.html", "inner/a.css", "auricle.js", "more/index.html", "more/inner/a.css"]
    assert all(name in files for name in names)
    assert not any(name in files for name in ("notes.txt", "script.py", "gone.js", "", "inner", "more/", "index"))
    assert files.read("inner/a.css").media_type == "text/css; charset=utf-8"
    assert files.read("auricle.js").body == b"export {}"


@pytest.mark.parametrize(
    "name", ["../secret.js", "inner/../../secret.js", "/secret.js", "./index.html", "index.html/", "index.html\0"]
)
def test_no_path_leads_out_of_them(tmp_path: Path, name: str) -> None:
    page = tmp_path / "page"
    (page / "inner").mkdir(parents=True)
    (page / "index.html").write_text("<p>")
    (tmp_path / "secret.js").write_text("secret")
    assert name not in StaticFiles((("", page),))


def test_a_file_that_has_changed_is_read_anew_and_has_another_name(tmp_path: Path) -> None:
    path = tmp_path / "a.js"
    path.write_text("1")
    files = StaticFiles((("", tmp_path),))
    first = files.read("a.js")
    assert files.read("a.js") is first
    path.write_text("2")
    os.utime(path, ns=(1, 1))
    second = files.read("a.js")
    assert second.body == b"2"
    assert second.etag != first.etag
    path.write_text("1")
    assert files.read("a.js").etag == first.etag  # by the content, whenever it was written
    path.unlink()
    with pytest.raises(OSError, match=r"a\.js"):
        files.read("a.js")
