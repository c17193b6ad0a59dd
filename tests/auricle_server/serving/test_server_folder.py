"""The folder of the sockets: where it can be, and that it comes back."""

from __future__ import annotations

import logging
import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from auricle_server.serving import server_folder
from auricle_server.serving.server_folder import (
    NoFolder,
    hold_folder,
    leave_folder,
    make_folder,
    remove_folder,
    restore_folder,
)

HOLDER = """
import sys
from pathlib import Path
from auricle_server.serving.server_folder import hold_folder

hold_folder(Path(sys.argv[1]))
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def places(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The temp directory, and another place."""
    temp, other = short_path / "temp", short_path / "other"
    temp.mkdir()
    other.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    monkeypatch.setattr(server_folder, "_OTHER_PLACES", (other, short_path / "none"))
    return temp, other


def test_a_folder_is_private_and_in_the_temp_directory(
    places: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_folder()
    assert folder.parent == places[0]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == []
    assert caplog.text == ""
    (folder / "left").touch()
    remove_folder(folder)
    remove_folder(folder)  # gone already
    assert not folder.exists()
    assert caplog.text == ""


def test_a_path_that_is_too_long_for_sockets_is_left_for_another(
    places: tuple[Path, Path], short_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deep = places[0] / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setattr(server_folder, "_OTHER_PLACES", (Path(short),))
        folder = make_folder()
        assert folder.parent == Path(short)
        with socket.socket(socket.AF_UNIX) as longest:
            longest.bind(str(folder / "gateway-9999.sock"))
    assert "too long for sockets" in caplog.text
    assert list(deep.iterdir()) == []


def test_without_a_temp_directory_other_processes_get_one_as_well(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setenv("TMPDIR", "/proc")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "gettempdir", missing)
    folder = make_folder()
    assert folder.parent == places[1]
    assert os.environ["TMPDIR"] == tempfile.tempdir == str(folder)


def test_where_no_place_takes_sockets_the_error_names_them(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(server_folder, "_try_socket", full)
    with pytest.raises(NoFolder, match=r"temp: No space left on device; .*other: No space left.*set TMPDIR"):
        make_folder()
    assert [list(place.iterdir()) for place in places] == [[], []]


def test_a_deleted_folder_comes_back_and_a_replaced_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_folder()
    restore_folder(folder)
    assert caplog.text == ""
    folder.rmdir()
    with caplog.at_level(logging.WARNING):
        restore_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "was deleted and is made again" in caplog.text
    folder.rmdir()
    folder.symlink_to("/")
    with pytest.raises(PermissionError, match="another user's"):
        restore_folder(folder)
    folder.unlink()
    folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(PermissionError, match="another user's"):
        restore_folder(folder)


def test_what_cannot_be_deleted_is_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    folder = make_folder()
    (folder / "socket").touch()
    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refuse)
        remove_folder(folder)
    assert f"cannot delete path={folder / 'socket'}: [Errno 30] Read-only file system" in caplog.text


def test_what_killed_processes_left_is_removed_at_the_next_start(places: tuple[Path, Path]) -> None:
    left, used, other = (places[0] / f"auricle-{name}" for name in ("left1234", "used1234", "other123"))
    for folder in (left, used, other):
        folder.mkdir()
        for name in ("worker-0", "gateway-12.sock", "worker-1.loading"):
            (folder / name).touch()
    (other / "thesis.txt").touch()
    (places[0] / "auricle-link1234").symlink_to(other)
    holding = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLDER,
            str(used),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holding:
        assert holding.stdout is not None
        holding.stdout.readline()
        folder = make_folder()
        assert not left.exists()
        assert len(list(used.iterdir())) == 3
        assert (other / "thesis.txt").exists()
        leave_folder(used)
        assert used.exists(), "another process still holds it"
        holding.communicate()
    leave_folder(used)
    assert not used.exists()
    remove_folder(folder)


def test_a_folder_that_is_made_again_is_held_again(places: tuple[Path, Path]) -> None:
    folder = make_folder()
    folder.rmdir()
    restore_folder(folder)
    (folder / "worker-0").touch()
    another = make_folder()
    assert folder.exists()
    remove_folder(folder)
    remove_folder(another)


def test_a_folder_that_cannot_be_locked_serves_as_well(
    places: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    hold_folder(places[0] / "none")
    assert "cannot lock" in caplog.text
