"""Merges what all gateways have sent into as few batches as keep every stream's order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auricle_server.audio_batch import AudioBatch
from auricle_server.ipc.columns import INT16, INT32, INT64
from auricle_server.ipc.messages import BatchPart, GatewayItem


@dataclass(frozen=True, slots=True)
class StreamBatch:
    """Audio of all gateways, and the items that follow it.

    Attributes:
        audio: A stream may come several times, in order.
        items: Each with the identity of its gateway.
    """

    audio: AudioBatch
    items: tuple[tuple[bytes, GatewayItem], ...]


class BatchReader:
    """Collects the parts that gateways send between two steps of the worker.

    Of one gateway the order is kept: audio that follows an item of that gateway goes into the next batch. Different
    gateways have different streams, so their parts may share a batch, and a worker with thousands of streams usually
    takes one batch in a tick.
    """

    def __init__(self) -> None:
        self._done: list[StreamBatch] = []
        self._audio: list[AudioBatch] = []
        self._items: list[tuple[bytes, GatewayItem]] = []
        self._has_items: set[bytes] = set()
        """Gateways that have items in the open batch; their next audio opens another one."""

    def add(self, gateway: bytes, part: BatchPart) -> None:
        """Takes a gateway's next part.

        Raises:
            BadColumns: Its lengths do not fit together; nothing of it was taken.
        """
        if part.audio.slots:
            audio = part.audio.batch()
            if gateway in self._has_items:
                self._close()
            self._audio.append(audio)
        if part.items:
            self._items += [(gateway, item) for item in part.items]
            self._has_items.add(gateway)

    def take(self) -> list[StreamBatch]:
        """Everything so far, in order; the reader is empty then."""
        if self._items or self._audio:
            self._close()
        done, self._done = self._done, []
        return done

    def _close(self) -> None:
        self._done.append(StreamBatch(_joined(self._audio), tuple(self._items)))
        self._audio, self._items = [], []
        self._has_items.clear()


def _joined(audio: list[AudioBatch]) -> AudioBatch:
    if len(audio) == 1:
        return audio[0]
    if not audio:
        return AudioBatch(np.empty(0, INT32), np.empty(0, INT64), np.empty(0, INT32), np.empty(0, INT16))
    return AudioBatch(
        np.concatenate([each.slots for each in audio]),
        np.concatenate([each.leases for each in audio]),
        np.concatenate([each.lengths for each in audio]),
        np.concatenate([each.pcm for each in audio]),
    )
