"""What a gateway has collected for one worker since the last tick."""

from __future__ import annotations

from auricle_server.ipc.columns import AudioColumns
from auricle_server.ipc.messages import BatchPart, GatewayItem, ToWorker


class BatchWriter:
    """Makes as few segments as keep every stream's order: usually one."""

    def __init__(self) -> None:
        self._parts: list[BatchPart] = []
        self._slots: list[int] = []
        self._pcm: dict[int, list[bytes]] = {}
        """Audio of the open segment, by lease."""
        self._items: list[GatewayItem] = []
        self._followed: set[int] = set()
        """Streams that have an item in the open segment, behind which no audio of theirs can go."""

    def __bool__(self) -> bool:
        return bool(self._pcm or self._items or self._parts)

    def audio(self, stream: int, slot: int, lease: int, pcm: bytes) -> None:
        """Audio of a stream.

        Raises:
            ValueError: It is no whole number of samples; the others' would be out of step behind it.
        """
        if len(pcm) & 1:
            raise ValueError(f"{len(pcm)} bytes are no whole number of samples")
        if stream in self._followed:
            self._close_part()
        pieces = self._pcm.get(lease)
        if pieces is None:
            self._pcm[lease] = [pcm]
            self._slots.append(slot)
        else:
            pieces.append(pcm)

    def item(self, item: GatewayItem) -> None:
        """Something that comes behind all audio of its stream so far."""
        self._items.append(item)
        self._followed.add(item.stream)

    def take(self) -> ToWorker:
        """Everything; the outbox is empty then."""
        if self._pcm or self._items:
            self._close_part()
        parts, self._parts = tuple(self._parts), []
        return ToWorker(parts)

    def clear(self) -> None:
        """Drops everything."""
        self.take()

    def _close_part(self) -> None:
        pcm = [pieces[0] if len(pieces) == 1 else b"".join(pieces) for pieces in self._pcm.values()]
        self._parts.append(BatchPart(AudioColumns.of(self._slots, list(self._pcm), pcm), tuple(self._items)))
        self._slots, self._pcm, self._items = [], {}, []
        self._followed.clear()
