from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.tables.storage import ArchiveStorage, LocalStorage, ObjectStorage, open_storage


@pytest.mark.parametrize("kind", ["local", "memory", "renamed"])
def test_files_of_every_storage(tmp_path: Path, kind: str) -> None:
    if kind == "renamed":
        import fsspec

        storage: ArchiveStorage = ObjectStorage(fsspec.filesystem("file"), str(tmp_path / "out"), "far://out")
    else:
        storage = open_storage("memory://storage/out/" if kind == "memory" else f"file://{tmp_path}/out")
    storage.claim()
    assert storage.names("t") == []
    with pytest.raises(FileNotFoundError):
        storage.read("settings")
    storage.write("settings", b"1")
    storage.write("t/b", b"2")
    storage.write("t/a", b"3")
    storage.write("t/a", b"4")
    assert storage.names("t") == ["a", "b"]
    assert storage.read("t/a") == b"4"
    storage.delete("t/a")
    assert storage.names("t") == ["b"]


def test_a_second_run_is_kept_out_until_the_first_has_ended(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from auricle_server.archives.tables.storage import LocalStorage; "
        f"LocalStorage(Path({str(tmp_path)!r})).claim(); print('claimed', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"claimed\n"
        with pytest.raises(ArchiveError, match="another auricle archive writes to"):
            LocalStorage(tmp_path).claim()
        first.kill()
    for _ in range(2):
        storage = LocalStorage(tmp_path)
        storage.claim()
        storage.release()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ArchiveError, match="is a file: name a folder"):
        LocalStorage(tmp_path / "out")
    with pytest.raises(ArchiveError, match="cannot write to"):
        LocalStorage(tmp_path / "out" / "deeper").claim()


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    (tmp_path / "t" / "part").mkdir(parents=True)
    with pytest.raises(OSError, match=r"."):
        storage.write("t/part", b"1")
    assert [entry.name for entry in (tmp_path / "t").iterdir()] == ["part"]
