"""Collects what every gateway gets from the worker at the end of a tick: one message of items and results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from auricle_server.ipc.channel import WorkerChannel
from auricle_server.ipc.columns import ResultColumns
from auricle_server.ipc.messages import FromWorker, SecondPassChanged, WorkerItem


class GatewayMessages:
    """Items in order, and the results of at most one step, by gateway.

    Args:
        channel: Sends the messages.
    """

    def __init__(self, channel: WorkerChannel) -> None:
        self._channel = channel
        self._items: defaultdict[bytes, list[WorkerItem]] = defaultdict(list)
        self._results: dict[bytes, ResultColumns] = {}
        self._second_pass_changed = False

    def add(self, gateway: bytes, item: WorkerItem) -> None:
        """Appends an item."""
        self._items[gateway].append(item)
        self._second_pass_changed |= isinstance(item, SecondPassChanged)

    def add_results(self, results: Iterable[tuple[bytes, ResultColumns]]) -> None:
        """Takes the results of a step, by gateway."""
        # A tick has one step and ends with `publish`, so nothing is overwritten here.
        self._results.update(results)

    def drop(self, gateway: bytes) -> None:
        """Drops what a gateway that is gone would have got."""
        self._items.pop(gateway, None)
        self._results.pop(gateway, None)

    def publish_second_passes(self) -> None:
        """Sends everything if a second pass was opened or closed.

        In one message the results precede the items, but a gateway must know of a second pass before its first result.
        """
        if self._second_pass_changed:
            self.publish()

    def publish(self) -> None:
        """Sends everything, one message to each gateway that has something."""
        self._second_pass_changed = False
        items, self._items = self._items, defaultdict(list)
        results, self._results = self._results, {}
        for gateway in items.keys() | results.keys():
            self._channel.send(gateway, FromWorker(tuple(items.get(gateway, ())), results.get(gateway)))
