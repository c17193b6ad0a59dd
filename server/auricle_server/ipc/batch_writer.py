"""Collects what a gateway has for one worker and sends it, one message per tick."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from auricle_server.ipc.channel import GatewayChannel
from auricle_server.ipc.columns import AudioColumns
from auricle_server.ipc.messages import BatchPart, GatewayItem, ToWorker

TICK_SECONDS = 0.002
"""How long audio waits for the audio of other streams. What a client waits for goes at once.

However many streams there are, a gateway sends 500 messages a second and a few for waiting clients, so what a message
costs beyond its bytes is bounded, at the worker as well.
"""
CLOSE_SECONDS = 0.5
"""How long the last message may take."""


class BatchWriter:
    """Makes as few parts as keep every stream's order: usually one.

    Args:
        channel: To the worker; None when the owner takes the messages itself, with `take`.
    """

    def __init__(self, channel: GatewayChannel | None = None) -> None:
        self._channel = channel
        self._wake = asyncio.Event()
        self._tick: asyncio.TimerHandle | None = None
        self._parts: list[BatchPart] = []
        self._slots: list[int] = []
        self._pcm: dict[int, list[bytes]] = {}
        """Audio of the open part, by lease."""
        self._items: list[GatewayItem] = []
        self._has_items: set[int] = set()
        """Streams that have an item in the open part; their next audio opens another one."""

    def __bool__(self) -> bool:
        return bool(self._pcm or self._items or self._parts)

    def add_audio(self, stream: int, slot: int, lease: int, pcm: bytes) -> None:
        """Adds 16 kHz mono PCM of a stream, whole 16-bit samples; `ServerConnection` has checked what clients send."""
        if stream in self._has_items:
            self._close_part()
        pieces = self._pcm.get(lease)
        if pieces is None:
            self._pcm[lease] = [pcm]
            self._slots.append(slot)
        else:
            pieces.append(pcm)
        if self._tick is None:
            self._start_tick()

    def add(self, item: GatewayItem, *, urgent: bool = False) -> None:
        """Adds an item, which follows all audio of its stream so far.

        Args:
            item: For the worker.
            urgent: Whether a client waits for it, so that it ends the tick.
        """
        self._items.append(item)
        self._has_items.add(item.stream)
        if urgent:
            self._wake.set()
        elif self._tick is None:
            self._start_tick()

    def wake(self) -> None:
        """Sends a message at once, even an empty one: a sign of life."""
        self._wake.set()

    def _start_tick(self) -> None:
        if self._channel is not None:
            self._tick = asyncio.get_running_loop().call_later(TICK_SECONDS, self._on_tick)

    def _on_tick(self) -> None:
        self._tick = None
        self._wake.set()

    async def run(self) -> None:
        """Sends ticks, for ever."""
        assert self._channel is not None, "a writer without a channel has nothing to run"
        while True:
            await self._wake.wait()
            # Before `take`: what comes while `send` waits sets it again.
            self._wake.clear()
            await self._channel.send(self.take())

    def take(self) -> ToWorker:
        """Everything so far; the writer is empty then."""
        if self._pcm or self._items:
            self._close_part()
        parts, self._parts = tuple(self._parts), []
        return ToWorker(parts)

    def clear(self) -> None:
        """Drops everything."""
        self._slots, self._pcm, self._items, self._parts = [], {}, [], []
        self._has_items.clear()

    async def close(self) -> None:
        """Sends what is left, as far as the worker takes it in time."""
        if self._tick is not None:
            self._tick.cancel()
        if self and self._channel is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._channel.send(self.take())

    def _close_part(self) -> None:
        pcm = [pieces[0] if len(pieces) == 1 else b"".join(pieces) for pieces in self._pcm.values()]
        self._parts.append(BatchPart(AudioColumns.of(self._slots, list(self._pcm), pcm), tuple(self._items)))
        self._slots, self._pcm, self._items = [], {}, []
        self._has_items.clear()
