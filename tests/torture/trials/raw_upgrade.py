"""The WebSocket upgrade as bytes, and the frames of a server's answer."""

from __future__ import annotations

_TEXT, _CLOSE = 0x81, 0x88
NATIVE = "/v1/stream"


def upgrade(path: str = NATIVE) -> bytes:
    """The request for a WebSocket at a path with its query."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: torture\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def frames_in(received: bytes) -> tuple[list[bytes], int | None]:
    """The whole text messages in all that a server has sent, its HTTP answer included, and its close code.

    The server sends whole messages, unmasked (RFC 6455, section 5.2).
    """
    _, _, rest = received.partition(b"\r\n\r\n")
    texts: list[bytes] = []
    code = None
    while len(rest) >= 2:
        size, start = rest[1], 2
        if size == 126:
            start, size = 4, int.from_bytes(rest[2:4], "big")
        elif size == 127:
            start, size = 10, int.from_bytes(rest[2:10], "big")
        if len(rest) < start + size:
            break
        payload = rest[start : start + size]
        if rest[0] == _TEXT:
            texts.append(payload)
        elif rest[0] == _CLOSE:
            code = int.from_bytes(payload[:2], "big")
        rest = rest[start + size :]
    return texts, code
