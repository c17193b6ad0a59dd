"""What a worker has drained from all its gateways, in as few hand-overs as keep every stream's order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auricle_server.ipc.columns import INT16, INT32, INT64, Array
from auricle_server.ipc.messages import BatchPart, GatewayItem

Columns = tuple[Array, Array, Array, Array]
_TYPES = (INT32, INT64, INT32, INT16)


@dataclass(frozen=True, slots=True)
class StreamBatch:
    """Audio of all gateways, and the items that come behind it.

    Attributes:
        slots: int32 [n]; a stream may come several times, in order.
        leases: int64 [n].
        lengths: int32 [n], samples of each.
        pcm: int16 [sum(lengths)].
        items: With the gateway of each.
    """

    slots: Array
    leases: Array
    lengths: Array
    pcm: Array
    items: tuple[tuple[bytes, GatewayItem], ...]


class BatchReader:
    """Merges segments; see `StreamBatch`."""

    def __init__(self) -> None:
        self._done: list[StreamBatch] = []
        self._audio: list[Columns] = []
        self._items: list[tuple[bytes, GatewayItem]] = []
        self._followed: set[bytes] = set()
        """Gateways that have items in the open hand-over, behind which no audio of theirs can go."""

    def add(self, gateway: bytes, segment: BatchPart) -> None:
        """Takes a gateway's next segment.

        Raises:
            BadColumns: Its lengths do not fit together; nothing of it was taken.
        """
        if segment.audio.slots:
            arrays = segment.audio.arrays()
            if gateway in self._followed:
                self._close()
            self._audio.append(arrays)
        if segment.items:
            self._items += [(gateway, item) for item in segment.items]
            self._followed.add(gateway)

    def take(self) -> list[StreamBatch]:
        """Everything, in order; the intake is empty then."""
        if self._items or self._audio:
            self._close()
        done, self._done = self._done, []
        return done

    def _close(self) -> None:
        slots, leases, lengths, pcm = _joined(self._audio)
        self._done.append(StreamBatch(slots, leases, lengths, pcm, tuple(self._items)))
        self._audio, self._items = [], []
        self._followed.clear()


def _joined(audio: list[Columns]) -> Columns:
    if len(audio) == 1:
        return audio[0]
    if not audio:
        slots, leases, lengths, pcm = (np.empty(0, type_) for type_ in _TYPES)
        return slots, leases, lengths, pcm
    slots, leases, lengths, pcm = map(np.concatenate, zip(*audio, strict=True))
    return slots, leases, lengths, pcm
