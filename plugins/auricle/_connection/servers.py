"""The servers that a client may use, and in which order. Numbers only: times come in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from auricle._connection.connection import Address
from auricle.errors import AuricleError, ServerFull

FULL_SECONDS = 2.0
FAILED_SECONDS = 15.0
"""How long a server that was full, or could not be used, is tried only after the others."""


class Servers:
    """Shared by all streams of a client, so that one finds out for all.

    Args:
        addresses: In the order of preference; at least one.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        if not addresses:
            raise ValueError("expected the address of at least one server")
        self._addresses = tuple(addresses)
        self._avoided: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def in_order(self, now: float) -> list[Address]:
        """All of them: first those in good standing, then the others, the one that may be well soonest first."""
        return sorted(self._addresses, key=lambda address: max(self._avoided.get(address.url, now) - now, 0.0))

    def failed(self, address: Address, error: AuricleError, now: float) -> None:
        """A server could not be used."""
        seconds = FAILED_SECONDS
        if isinstance(error, ServerFull):
            seconds = FULL_SECONDS if error.retry_after is None else error.retry_after
        self._avoided[address.url] = now + seconds

    def worked(self, address: Address) -> None:
        """A server could be used."""
        self._avoided.pop(address.url, None)


def weightiest(errors: Iterable[AuricleError]) -> AuricleError:
    """Of the failures of several servers, the one that says what to do.

    As long as one server is merely full the others' failures do not matter, and as long as one may come back it is
    worth trying again.
    """
    return min(errors, key=lambda error: (not isinstance(error, ServerFull), error.permanent))
