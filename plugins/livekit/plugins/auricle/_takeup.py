"""Going on with a stream that its client has given up."""

from __future__ import annotations

from auricle import Stream
from auricle.mailbox import Mailbox


async def take_up(stream: Stream) -> None:
    """Connects a failed stream once more, as its client's own reconnections do.

    What had no final is replayed, and nothing that was told is told again.

    Raises:
        AuricleError: No server will have it; it can be tried again.
    """
    pump = stream._pump  # noqa: SLF001  # the client has no verb for this yet
    pump.mailbox, pump.over, pump.failure = Mailbox(), False, None
    pump._attempt = 0  # noqa: SLF001
    await pump.open()
