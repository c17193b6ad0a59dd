"""Pipes, FIFOs and descriptors are read like standard input; what cannot be read is named."""

from __future__ import annotations

import os
import pty
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from auricle_server.audio_files import UnreadableAudio, open_audio
from auricle_server.audio_files.sources import open_source
from tests.auricle_server.audio_files.recordings import RATE, SECONDS, encoded, heard

CONTENT = {kind: encoded(kind) for kind in ("WAV", "FLAC", "OGG", "MP3")}


@contextmanager
def piped(content: bytes) -> Iterator[str]:
    """The name under which a shell passes `<(...)`."""
    reader, writer = os.pipe()
    thread = threading.Thread(target=written, args=(writer, content))
    thread.start()
    try:
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)
        thread.join()


def written(writer: int | str, content: bytes) -> None:
    # A reader may stop before the end, on a full disk for example.
    with suppress(BrokenPipeError), open(writer, "wb", buffering=0) as file:  # noqa: PTH123  # also a descriptor
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]


@pytest.mark.parametrize("kind", CONTENT)
def test_a_pipe_is_read_to_its_end(kind: str) -> None:
    with piped(CONTENT[kind]) as path:
        assert len(heard(path)) == pytest.approx(SECONDS * RATE, abs=RATE * 0.1)


def test_a_fifo_is_waited_for(tmp_path: Path) -> None:
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    thread = threading.Thread(target=written, args=(fifo, CONTENT["WAV"]))
    thread.start()
    assert len(heard(fifo)) == SECONDS * RATE
    thread.join()


def test_the_device_of_standard_input(tmp_path: Path) -> None:
    code = "from auricle_server.audio_files import read_pcm16; print(len(read_pcm16('/dev/stdin')))"
    command = [sys.executable, "-c", code]
    (tmp_path / "a.wav").write_bytes(CONTENT["WAV"])
    through_a_pipe = subprocess.run(command, input=CONTENT["WAV"], stdout=subprocess.PIPE, check=True, timeout=60)
    with (tmp_path / "a.wav").open("rb") as file:
        from_a_file = subprocess.run(command, stdin=file, stdout=subprocess.PIPE, check=True, timeout=60)
    assert int(through_a_pipe.stdout) == int(from_a_file.stdout) == 2 * SECONDS * RATE


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as Python has it then
    with pytest.raises(UnreadableAudio, match="closed"), open_audio("-"):
        pass


def test_an_empty_pipe() -> None:
    with piped(b"") as path, pytest.raises(UnreadableAudio, match="empty"), open_audio(path):
        pass


def test_a_file_that_the_system_makes_up_is_read_although_its_size_is_0() -> None:
    with open_source("/proc/self/status") as source:
        assert source.size > 0
        assert source.path is None


def test_a_terminal_is_not_waited_for() -> None:
    ours, theirs = pty.openpty()
    try:
        with pytest.raises(UnreadableAudio, match="terminal"), open_audio(os.ttyname(theirs)):
            pass
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("name", ["x" * 300 + ".wav", "a.wav/b.wav", "loop.wav", "socket"])
def test_what_the_system_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.wav").write_bytes(CONTENT["WAV"])
    Path("loop.wav").symlink_to("loop.wav")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(UnreadableAudio, match=r"cannot be read: [A-Z]"), open_audio(name):
            pass


def test_a_folder_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "a.wav").write_bytes(CONTENT["WAV"])
    folder.chmod(0)
    user = os.geteuid()
    if not user:
        os.seteuid(65_534)  # the administrator may read everything
    try:
        with pytest.raises(UnreadableAudio, match="Permission denied"), open_audio(str(folder / "a.wav")):
            pass
    finally:
        os.seteuid(user)
        folder.chmod(0o700)


def test_a_full_disk_is_named() -> None:
    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with (
            piped(CONTENT["WAV"]) as path,
            pytest.raises(UnreadableAudio, match="no room for a copy"),
            open_audio(path),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def test_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    Path(path).write_bytes(CONTENT["WAV"])
    assert len(heard(path)) == SECONDS * RATE


def test_failures_of_the_caller_are_not_those_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(CONTENT["WAV"])
    with pytest.raises(FileNotFoundError, match="of the caller"), open_source(str(tmp_path / "a.wav")):
        raise FileNotFoundError("of the caller")
