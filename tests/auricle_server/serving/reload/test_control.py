"""The socket on which a server takes commands: what comes there is read without waiting, whatever it is."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from auricle_server.serving.control import MOST_BYTES, ControlConnection, ControlSocket

Connect = Callable[[], socket.socket]


@pytest.fixture
def control(short_path: Path) -> Iterator[ControlSocket]:
    made = ControlSocket(short_path)
    yield made
    made.close()


@pytest.fixture
def connected(control: ControlSocket, short_path: Path) -> Iterator[Connect]:
    """Connects one more program."""
    with ExitStack() as clients:

        def connect() -> socket.socket:
            control.read(wait(control.waiting, 0))
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(5)
            client.connect(str(short_path / "control.sock"))
            return client

        yield connect


def line_of(client: socket.socket) -> str:
    with client.makefile() as lines:
        return lines.readline()


def commands(control: ControlSocket) -> list[ControlConnection]:
    """Everything that has come by now."""
    found: list[ControlConnection] = []
    for _ in range(4):
        found += control.read(wait(control.waiting, 0.05))
    return found


def test_a_command_may_come_in_pieces_and_is_answered_in_lines(control: ControlSocket, connected: Connect) -> None:
    client = connected()
    client.sendall(b'{"command": "sta')
    assert commands(control) == []
    client.sendall(b'tus"}\n')
    [command] = commands(control)
    assert command.request == {"command": "status"}
    command.answer(progress="half")
    command.end(done=True)
    with client.makefile() as lines:
        assert [json.loads(line) for line in lines] == [{"progress": "half"}, {"done": True}]


@pytest.mark.parametrize("line", [b"[1]\n", b"\xff\n", b"no json\n", b"\n"])
def test_what_is_no_command_is_said_to_be_none(control: ControlSocket, connected: Connect, line: bytes) -> None:
    client = connected()
    client.sendall(line)
    assert commands(control) == []
    assert "expected an object" in line_of(client)


def test_a_line_without_an_end_is_not_kept(control: ControlSocket, connected: Connect) -> None:
    client = connected()
    client.setblocking(False)
    sent = 0
    while sent <= MOST_BYTES:
        sent += client.send(b"x" * 4096)
        assert commands(control) == []
    client.settimeout(5)
    assert "too long" in line_of(client)


def test_a_program_that_has_gone_costs_nothing(control: ControlSocket, connected: Connect) -> None:
    client = connected()
    client.sendall(b'{"command": "reload"}\n')
    [command] = commands(control)
    client.close()
    for _ in range(3):
        command.answer(progress="more")
    assert commands(control) == []
    assert command.closed
    assert len(control.waiting) == 1


def test_many_idle_programs_do_not_keep_another_one_out(control: ControlSocket, connected: Connect) -> None:
    idle = []
    for _ in range(40):
        idle.append(connected())
        commands(control)
    client = connected()
    client.sendall(b'{"command": "status"}\n')
    assert [each.request for each in commands(control)] == [{"command": "status"}]
    assert len(control.waiting) < 20


def test_a_folder_that_was_deleted_gets_its_socket_again(
    control: ControlSocket, connected: Connect, short_path: Path
) -> None:
    connected().close()
    (short_path / "control.sock").unlink()
    client = connected()
    client.sendall(b'{"command": "status"}\n')
    assert len(commands(control)) == 1
