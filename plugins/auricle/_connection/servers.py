"""The servers that a client may use, and in which order. Numbers only: times come in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from auricle._connection.connection import Address
from auricle.errors import AuricleError, ServerFull, ServerRestarting

FULL_SECONDS = 2.0
FAILED_SECONDS = 15.0
"""How long a server that was full or restarts, or failed, is asked only after the others. The first say so in
`retry_after`, if they can; a slot may become free at any moment, and the restart of a worker is short."""


class Servers:
    """Shared by all streams of a client: what one stream finds out holds for all.

    Args:
        addresses: In the order of preference; at least one.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        if not addresses:
            raise ValueError("url: expected the address of at least one server")
        self._addresses = tuple(addresses)
        self._avoided_until: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def in_order(self, now: float) -> list[Address]:
        """All addresses: those that work first, then the others, by when they may work again."""
        # The sort is stable: all that work now have the key 0 and stay in the order of preference.
        return sorted(self._addresses, key=lambda address: max(self._avoided_until.get(address.url, now) - now, 0.0))

    def failed(self, address: Address, error: AuricleError, now: float) -> None:
        """A server could not be used."""
        seconds = FAILED_SECONDS
        if isinstance(error, ServerFull | ServerRestarting):
            seconds = FULL_SECONDS if error.retry_after is None else error.retry_after
        self._avoided_until[address.url] = now + seconds

    def worked(self, address: Address) -> None:
        """A server could be used."""
        self._avoided_until.pop(address.url, None)


def most_telling(errors: Iterable[AuricleError]) -> AuricleError:
    """Of the failures of several servers, the one that says what to do.

    A server that restarts, or is only full, makes the others' failures unimportant, and one temporary failure makes
    another attempt worthwhile, whatever permanent ones there are.
    """
    kinds = (ServerRestarting, ServerFull)  # a restart passes by itself
    return min(errors, key=lambda error: (*(not isinstance(error, kind) for kind in kinds), error.permanent))
