"""A minimal WebSocket client, for thousands of streams on a few cores.

It supports what Auricle's server sends: messages of one frame each, no extensions. RFC 6455 (section 5.3) demands a
masking key for every frame of a client; the key here is zero, so that masking changes no byte and costs nothing.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import Callable

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
_MASKED = 0x80
_NO_MASK = bytes(4)
_SHORT, _LONG = 126, 127
ABNORMAL = 1006
"""Close code of a connection that ended without a close frame (RFC 6455, section 7.4.1)."""


def frame(opcode: int, payload: bytes) -> bytes:
    """One masked frame."""
    size = len(payload)
    if size < _SHORT:
        return bytes((opcode, _MASKED | size)) + _NO_MASK + payload
    # RFC 6455, section 5.2: 126 announces a length of 16 bits. No message of the bench is longer.
    return struct.pack(">BBH", opcode, _MASKED | _SHORT, size) + _NO_MASK + payload


class FastWebSocket(asyncio.Protocol):
    """One connection.

    Args:
        host: Host of the server.
        port: Port of the server.
        on_open: Called when the WebSocket is open.
        on_text: Called with each text message.
        on_close: Called when the connection has ended, with the close code or with the HTTP status of a refusal.
        path: Of the URL, with its query; what is no UTF-8 stands in it as `surrogateescape` has it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_open: Callable[[], None],
        on_text: Callable[[bytes], None],
        on_close: Callable[[int], None],
        path: str = "/v1/stream",
    ) -> None:
        self._host = f"{host}:{port}"
        self._path = path
        self._on_open, self._on_text, self._on_close = on_open, on_text, on_close
        self._transport: asyncio.Transport | None = None
        self._buffer, self._queued = b"", b""
        self._open = False
        self._code = ABNORMAL

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the upgrade request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {self._path} HTTP/1.1",
            f"Host: {self._host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        )
        transport.write(("\r\n".join(lines) + "\r\n\r\n").encode(errors="surrogateescape"))

    def data_received(self, data: bytes) -> None:
        """Handles the complete frames of the received bytes."""
        self._buffer += data
        if not self._open and not self._handshake():
            return
        while (size := self._frame()) is not None:
            self._buffer = self._buffer[size:]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Reports the close code."""
        self._transport, self._open = None, False
        self._on_close(self._code)

    def send_audio(self, packet: bytes) -> None:
        """Sends a frame of `audio_frame`; frames sent before the WebSocket is open are queued."""
        if self._transport is not None and self._open:
            self._transport.write(packet)
        else:
            self._queued += packet

    def send_text(self, text: str) -> None:
        """Sends a text message."""
        self.send_audio(frame(_TEXT, text.encode()))

    def cut(self) -> None:
        """Aborts the connection without a close frame."""
        if self._transport is not None:
            self._transport.abort()

    def _handshake(self) -> bool:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        status = int(head.split(b" ", 2)[1])
        # Sec-WebSocket-Accept is not checked (section 4.1): the bench knows which server it talks to.
        if status != 101:
            self._code = status
            self.cut()
            return False
        # The first frames may come in one piece with the end of the response.
        self._open, self._buffer = True, rest
        queued, self._queued = self._queued, b""
        self._on_open()
        self.send_audio(queued)
        return True

    def _frame(self) -> int | None:
        """Handles the first frame of the buffer; returns its length, or None while the frame is incomplete."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size == _SHORT:
            start, size = 4, int.from_bytes(buffer[2:4], "big")
        elif size == _LONG:
            start, size = 10, int.from_bytes(buffer[2:10], "big")
        if len(buffer) < start + size:
            return None
        self._handle(buffer[0], buffer[start : start + size])
        return start + size

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self._on_text(payload)
        elif opcode == _PING:
            # Section 5.5.3: a pong carries the payload of its ping.
            self.send_audio(frame(_PONG, payload))
        elif opcode == _CLOSE:
            self._code = int.from_bytes(payload[:2], "big") or ABNORMAL
            # Section 5.5.1: a close frame is answered by one, usually with the same code.
            self.send_audio(frame(_CLOSE, payload[:2]))


def audio_frame(pcm: bytes) -> bytes:
    """The binary frame of a packet of audio."""
    return frame(_BINARY, pcm)
