"""The socket on which a running server takes commands of its own user: one line of JSON, and lines of JSON back.

It lies in the folder of the server's sockets, which only that user can enter, so it needs no key.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle_server.serving.server_folder import CONTROL

log = logging.getLogger(__name__)

MOST_BYTES = 65_536
"""Longest line of a command."""
_MOST_CONNECTIONS = 16


@dataclass(eq=False, slots=True)
class ControlConnection:
    """One program that gives a command.

    Attributes:
        socket: To it.
        received: What has come of its line.
        request: Its command, once it is complete.
    """

    socket: socket.socket
    received: bytes = b""
    request: dict[str, Any] | None = None

    @property
    def closed(self) -> bool:
        """Whether nobody listens any more."""
        return self.socket.fileno() < 0

    def answer(self, **fields: Any) -> None:
        """Sends a line; does nothing when the program has gone."""
        if self.closed:
            return
        try:
            self.socket.sendall(json.dumps(fields).encode() + b"\n")
        except OSError:  # it has gone, or does not read
            self.close()

    def end(self, **fields: Any) -> None:
        """Sends the last line."""
        self.answer(**fields)
        self.close()

    def close(self) -> None:
        """Ends the connection; may be called twice."""
        self.socket.close()


class ControlSocket:
    """Listens in the folder of a server's sockets. Nothing here waits.

    Args:
        folder: Of the sockets.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / CONTROL
        self._listener: socket.socket | None = None
        self._connections: list[ControlConnection] = []

    @property
    def waiting(self) -> list[socket.socket]:
        """What to wait for. A folder that was deleted has its socket again afterwards."""
        self._connections = [each for each in self._connections if not each.closed]
        if self._listener is None or not self._path.exists():
            self._bind()
        listener = [] if self._listener is None else [self._listener]
        return [*listener, *(each.socket for each in self._connections)]

    def _bind(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        made = socket.socket(socket.AF_UNIX)
        try:
            made.bind(os.fspath(self._path))
            made.listen()
            made.setblocking(False)
        except OSError as error:
            made.close()
            log.warning("cannot take commands path=%s: %s", self._path, error)
            return
        self._listener = made

    def read(self, happened: Collection[object]) -> Iterator[ControlConnection]:
        """Commands that are complete.

        Args:
            happened: What of `waiting` has something to read.
        """
        for connection in [each for each in self._connections if each.socket in happened]:
            if self._take(connection):
                yield connection
        if self._listener is not None and self._listener in happened:
            self._accept(self._listener)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it has gone again
            accepted, _ = listener.accept()
            accepted.setblocking(False)
            if len(self._connections) >= _MOST_CONNECTIONS:
                self._connections.pop(0).close()
            self._connections.append(ControlConnection(accepted))

    def _take(self, connection: ControlConnection) -> bool:
        """Reads what there is; returns whether a command is complete now."""
        try:
            data = connection.socket.recv(MOST_BYTES)
        except OSError:
            data = b""
        if not data:
            connection.close()
            return False
        if connection.request is not None:
            return False  # it has said all that it may
        connection.received += data
        line, separator, _ = connection.received.partition(b"\n")
        if not separator:
            if len(connection.received) > MOST_BYTES:
                connection.end(error="the command is too long")
            return False
        try:
            request = json.loads(line)
        except ValueError:  # JSON or UTF-8
            request = None
        if not isinstance(request, dict):
            connection.end(error="expected an object in JSON")
            return False
        connection.request = request
        return True

    def close(self) -> None:
        """Ends everything."""
        for each in self._connections:
            each.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
