"""A stream of the server that goes from one recognition to the next, with its slot.

`AgentSession.clear_user_turn` begins a new recognition before it has closed the old one. Two streams at once would need
a second slot, which a full server does not have; so the old one hands its stream over to the new one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from auricle import AuricleClient, Final, Stream, StreamEvent

from .models import STTOptions

# The framework cancels the old recognition in the same turns of the event loop in which it begins the new one; an
# agent's own `stt_node` may clean up for some more.
_PATIENCE = 0.1
# Each is one turn of the loop: on a busy machine the time can be over before the old recognition was run at all.
_TURNS = 30


@dataclass(slots=True)
class Upstream:
    """A stream of the server, with what its next owner must know.

    Attributes:
        stream: The client's.
        client: Whose connections it uses.
        start: Where its audio begins in all audio of its owner, in samples; negative when it had another one before.
        options: In force on it; None before its first connection.
        keyterms: In force on it, the session's included.
        owners: How many recognitions had it before.
        clearing: The finalize whose answer ends what was said to the owner before; None once it has come.
    """

    stream: Stream
    client: AuricleClient
    start: int
    options: STTOptions | None = None
    keyterms: tuple[str, ...] = ()
    owners: int = 0
    clearing: str | None = None

    def seconds(self, sample_rate: int) -> float:
        """`start` in seconds."""
        return self.start / sample_rate

    @property
    def holds_slot(self) -> bool:
        """Whether it has, or can resume, a slot of a server."""
        return self.options is not None and self.stream.is_open

    async def change_owner(self, samples: int, sample_rate: int) -> None:
        """Begins anew for an owner that has sent `samples`: what was said before is final with its next `Final`.

        Raises:
            AuricleError: The stream has failed.
        """
        self.owners += 1
        self.start = samples - round(self.stream.audio_seconds * sample_rate)
        self.clearing = await self.stream.finalize(f"cleared-{self.owners}")

    def is_cleared(self, event: StreamEvent) -> bool:
        """Whether an event is about what was said to the owner before."""
        cleared = self.clearing is not None
        if isinstance(event, Final) and event.finalize_id == self.clearing:
            self.clearing = None
        return cleared

    def flush_name(self, number: int) -> str:
        """The id of a finalize: earlier owners' may still wait for their answers."""
        return f"flush-{self.owners}-{number}" if self.owners else f"flush-{number}"


class Handovers:
    """Brings together the recognitions of one `STT` that end and those that begin."""

    def __init__(self) -> None:
        self._owners = 0
        self._waiting: list[asyncio.Future[Upstream]] = []

    def joined(self) -> None:
        """A recognition has a stream, or is about to have one."""
        self._owners += 1

    def left(self) -> None:
        """It has none any more."""
        self._owners -= 1

    async def take(self) -> Upstream | None:
        """The stream of a recognition that ends right now; None when none of the others does."""
        if not self._owners:
            return None
        waiting: asyncio.Future[Upstream] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await asyncio.wait([waiting], timeout=_PATIENCE)
            for _ in range(_TURNS):
                if waiting.done():
                    break
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            # This recognition ends as well, perhaps for a next one.
            if waiting.done() and not self.give(waiting.result()):
                await waiting.result().stream.aclose()
            raise
        finally:
            self._waiting.remove(waiting)
        return waiting.result() if waiting.done() else None

    def give(self, upstream: Upstream) -> bool:
        """Hands a stream to the recognition that has waited longest; returns whether there is one."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(upstream)
                return True
        return False
