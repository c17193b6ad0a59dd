"""Collects what a gateway has for one worker between two ticks."""

from __future__ import annotations

from collections.abc import Callable

from auricle_server.ipc.columns import AudioColumns
from auricle_server.ipc.messages import BatchPart, GatewayItem, ToWorker


class BatchWriter:
    """Makes as few parts as keep every stream's order: usually one.

    Args:
        wake: Called after each addition; its argument says whether a client waits for it, so that the message should
            go at once instead of with the next tick.
    """

    def __init__(self, wake: Callable[[bool], None]) -> None:
        self._wake = wake
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
        self._wake(False)

    def add(self, item: GatewayItem, *, urgent: bool = False) -> None:
        """Adds an item, which follows all audio of its stream so far."""
        self._items.append(item)
        self._has_items.add(item.stream)
        self._wake(urgent)

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

    def _close_part(self) -> None:
        pcm = [pieces[0] if len(pieces) == 1 else b"".join(pieces) for pieces in self._pcm.values()]
        self._parts.append(BatchPart(AudioColumns.of(self._slots, list(self._pcm), pcm), tuple(self._items)))
        self._slots, self._pcm, self._items = [], {}, []
        self._has_items.clear()
