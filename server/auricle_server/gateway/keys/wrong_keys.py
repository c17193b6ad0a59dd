"""Slows down those who try keys."""

from __future__ import annotations

import ipaddress
import logging

from auricle_server.gateway.keys.count_table import CountTable
from auricle_server.gateway.keys.shared_counts import SharedCounts

log = logging.getLogger(__name__)

MOST_WRONG = 20
"""Wrong keys of one address in a minute, after which it is throttled."""
_IPV6_PREFIX = 64


class WrongKeys:
    """Wrong keys of each address, over all gateways of the server.

    Args:
        counts: Of the server.
        row: Number of this gateway.
    """

    def __init__(self, counts: SharedCounts, row: int = 0) -> None:
        self._counts = CountTable(counts, row)

    def throttled_seconds(self, address: str | None, now: float) -> float:
        """For how long the address may try no more keys; 0 when it may."""
        return self._counts.seconds_until_below(network_of(address), MOST_WRONG, now)

    def add(self, address: str | None, now: float) -> None:
        """A wrong key has come from the address."""
        network = network_of(address)
        self._counts.add_event(network, now)
        if self._counts.events(network, now) == MOST_WRONG:
            log.warning("many wrong keys address=%s: it is throttled for a minute", network)


def network_of(address: str | None) -> str:
    """What counts as one address: the address itself, and for IPv6 the network that one customer usually gets."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "local"  # the socket of another gateway
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
