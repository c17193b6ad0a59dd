"""aiohttp's WebSocket, except that an invalid frame is answered with an error before the connection closes.

aiohttp answers such a frame with a close frame and closes the transport at once. The client then gets no reason, and
while it is still sending, a message that is too big for example, the kernel's reset may discard even the close frame.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Sequence

from aiohttp import WSCloseCode, WSMsgType, web

# RFC 6455, section 7.1.1: a server closes TCP once the client's close frame has come. This bounds the wait for it.
CLOSE_SECONDS = 5.0
_LINGER_SECONDS = 2.0
_LINGER_STEP = 0.02
# 1002, 1007 and 1009 of RFC 6455, section 7.4.1: aiohttp's `receive` itself calls `close` with them.
_FRAME_FAULTS = {WSCloseCode.PROTOCOL_ERROR, WSCloseCode.INVALID_TEXT, WSCloseCode.MESSAGE_TOO_BIG}


def _is_no_secret(record: logging.LogRecord) -> bool:
    return "Client protocols" not in str(record.msg)


# aiohttp logs the subprotocols of a client when the server knows none of them. Where browsers and NVIDIA's client open
# a socket, one of them is the key.
logging.getLogger("aiohttp.websocket").addFilter(_is_no_secret)


class Socket(web.WebSocketResponse):
    """A WebSocket of the server.

    Args:
        message_bytes: Largest message that is accepted.
        protocols: Subprotocols, of which the client is told the first that it has offered.

    Attributes:
        fault: Close code for an invalid frame, after which nothing more is received; None without one.
    """

    def __init__(self, message_bytes: int, protocols: Sequence[str] = ()) -> None:
        # Compression would cost every stream a quarter of a megabyte, and audio does not compress.
        # aiohttp refuses messages of its bound, not only larger ones.
        most = message_bytes + 1
        # Without autoping pings and pongs come out of `receive`, where they count as messages (`MessagePace`).
        super().__init__(
            timeout=CLOSE_SECONDS, max_msg_size=most, compress=False, autoping=False, protocols=tuple(protocols)
        )
        self.fault: int | None = None

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """As in aiohttp; but when aiohttp calls it for an invalid frame, it only notes the code: see `finish`."""
        if self.fault is None and code in _FRAME_FAULTS:
            self.fault = code
        if self.fault is not None:
            return False  # aiohttp calls this after each handler, too; `finish` has sent the only close frame then
        return await super().close(code=code, message=message, drain=drain)

    async def finish(self, request: web.BaseRequest, code: int) -> None:
        """Closes with `code`; after an invalid frame, gives the client some time to read it."""
        if self.fault is None:
            await super().close(code=code)
            return
        # Not `close`: it would read on from a reader that has failed, and close the transport at once. The body of a
        # close frame begins with the code in network order (RFC 6455, section 5.5.1).
        await self.send_frame(struct.pack("!H", code), WSMsgType.CLOSE)
        for _ in range(round(_LINGER_SECONDS / _LINGER_STEP)):
            if request.transport is None or request.transport.is_closing():
                return
            await asyncio.sleep(_LINGER_STEP)
        if request.transport is not None:
            request.transport.close()
