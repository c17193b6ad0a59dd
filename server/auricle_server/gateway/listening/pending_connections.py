"""Connections that wait for a request: how many there may be, and which give way to a new one. Pure: no sockets.

Whoever is new gets in, and the one that has waited longest goes: a client that means it sends its request at once, so
only those that send nothing, or half a request, are there for long.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Generic, Literal, TypeVar

Crowd = Literal["crowded", "crowded_address"]
"""Why a connection gives way: too many in all, or too many of its address."""
_IPV6_PREFIX = 64
"""The part of an IPv6 address that names a site; its devices choose the rest as they like (RFC 4291, 2.5.4)."""
C = TypeVar("C")


def client_address(host: str) -> str:
    """The address for which a client's connections are counted together.

    Args:
        host: As a socket names its peer.

    Returns:
        An IPv4 address, also where it came as an IPv6 one; else the first 64 bits of the IPv6 address.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _IPV6_PREFIX), strict=False))


class PendingConnections(Generic[C]):
    """The connections that wait for a request.

    Args:
        most: How many there may be.
        most_of_address: How many of one address.
    """

    def __init__(self, most: int, most_of_address: int) -> None:
        self._most = most
        self._most_of_address = most_of_address
        # Dicts keep the order in which connections came.
        self._of_address: dict[str, dict[C, None]] = {}
        self._addresses: dict[C, str] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def __iter__(self) -> Iterator[C]:
        """From the oldest to the newest."""
        return iter(list(self._addresses))

    def add(self, connection: C, address: str) -> tuple[C, Crowd] | None:
        """Adds a connection; returns the one that gives way to it, which is no longer here, and why."""
        own = self._of_address.get(address, {})
        displaced: tuple[C, Crowd] | None = None
        if len(own) >= self._most_of_address:
            displaced = next(iter(own)), "crowded_address"
        elif (oldest := self.oldest()) is not None and len(self) >= self._most:
            displaced = oldest, "crowded"
        if displaced is not None:
            self.discard(displaced[0])
        self._of_address.setdefault(address, {})[connection] = None
        self._addresses[connection] = address
        return displaced

    def discard(self, connection: C) -> None:
        """The connection has sent its request, or has gone; does nothing for one that is not here."""
        address = self._addresses.pop(connection, None)
        if address is not None:
            own = self._of_address[address]
            del own[connection]
            if not own:
                del self._of_address[address]

    def oldest(self) -> C | None:
        """The connection that should give way first: the oldest of the address with the most; None without any."""
        most = max(self._of_address.values(), key=len, default=None)
        return None if most is None else next(iter(most))
