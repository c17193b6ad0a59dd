"""aiohttp's WebSocket, except that a frame which it cannot take is reported before the connection closes.

aiohttp answers such a frame with a close frame and closes the transport at once. The client then reads no reason, and
when it was still sending (a message too big, say) the kernel's reset may swallow even the close frame.
"""

from __future__ import annotations

import asyncio
import struct

from aiohttp import WSCloseCode, WSMsgType, web

CLOSE_SECONDS = 5.0
_LINGER_SECONDS = 2.0
_LINGER_STEP = 0.02
_FRAME_FAULTS = {WSCloseCode.PROTOCOL_ERROR, WSCloseCode.INVALID_TEXT, WSCloseCode.MESSAGE_TOO_BIG}


class Socket(web.WebSocketResponse):
    """A WebSocket of the server.

    Args:
        message_bytes: Largest message.

    Attributes:
        fault: Close code for a frame that could not be taken; nothing can be received after it.
    """

    def __init__(self, message_bytes: int) -> None:
        # Compression would cost every stream a quarter of a megabyte, and audio does not compress.
        # aiohttp takes its bound for the first size that is too big.
        most = message_bytes + 1
        super().__init__(timeout=CLOSE_SECONDS, max_msg_size=most, compress=False, autoping=False)
        self.fault: int | None = None

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """As aiohttp's, but called by aiohttp itself for a bad frame it only takes note: see `finish`."""
        if self.fault is None and code in _FRAME_FAULTS:
            self.fault = code
            return False
        return await super().close(code=code, message=message, drain=drain)

    async def finish(self, request: web.BaseRequest, code: int) -> None:
        """Closes with `code`; after a bad frame, waits a little for the client to read it."""
        if self.fault is None:
            await super().close(code=code)
            return
        await self.send_frame(struct.pack("!H", code), WSMsgType.CLOSE)
        for _ in range(round(_LINGER_SECONDS / _LINGER_STEP)):
            if request.transport is None or request.transport.is_closing():
                break
            await asyncio.sleep(_LINGER_STEP)
