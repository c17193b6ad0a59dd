"""Which stream of which gateway holds which slot of a worker; results sorted by gateway. Pure, no Python per row."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auricle_server.link.columns import ResultColumns

if TYPE_CHECKING:
    from auricle_server.engine.types import AudioBatch, Lease, StepResults
    from auricle_server.link.intake import HandOver

Owner = tuple[bytes, int]
"""A gateway's identity and its number for the stream."""
_LIFE_BITS, _LEASE_BITS = 30, 32


@dataclass(slots=True)
class Tenant:
    """A stream in a slot.

    Attributes:
        lease: Its hold on the slot.
        latency_ms: What the worker's time is planned for.
    """

    lease: Lease
    latency_ms: int


@dataclass(slots=True)
class _Gateways:
    """Numbers for the gateways, so that arrays can hold them."""

    names: list[bytes] = field(default_factory=list)
    numbers: dict[bytes, int] = field(default_factory=dict)

    def number(self, gateway: bytes) -> int:
        if gateway not in self.numbers:
            self.numbers[gateway] = len(self.names)
            self.names.append(gateway)
        return self.numbers[gateway]


class Tenants:
    """The streams that a worker holds.

    Gateways name a lease by a ticket. It holds a number of this worker's life beside the engine's own, for engines
    count their leases from 1 on: audio that waited for a worker that has died must not reach its successor's streams.

    Args:
        slots: Highest slot.
    """

    def __init__(self, slots: int) -> None:
        self._life = (1 + secrets.randbits(_LIFE_BITS)) << _LEASE_BITS
        self._by_owner: dict[Owner, Tenant] = {}
        self._gateways = _Gateways()
        self._lease_of = np.zeros(slots + 1, np.int64)
        self._hears = np.zeros(slots + 1, np.int64)
        """Ticket under which each slot still takes audio, else 0."""
        self._gateway_of = np.zeros(slots + 1, np.int32)
        self._stream_of = np.zeros(slots + 1, np.int64)

    def __len__(self) -> int:
        return len(self._by_owner)

    def __iter__(self) -> Iterator[Owner]:
        return iter(list(self._by_owner))

    def of_gateway(self, gateway: bytes) -> list[Owner]:
        """The streams of one gateway."""
        return [owner for owner in self._by_owner if owner[0] == gateway]

    def get(self, owner: Owner) -> Tenant | None:
        """The stream's slot, if it has one."""
        return self._by_owner.get(owner)

    def add(self, owner: Owner, lease: Lease, latency_ms: int) -> int:
        """A stream moves in; returns its ticket."""
        gateway, stream = owner
        self._by_owner[owner] = Tenant(lease, latency_ms)
        self._lease_of[lease.slot] = lease.id
        self._hears[lease.slot] = ticket = self._life + lease.id
        self._gateway_of[lease.slot] = self._gateways.number(gateway)
        self._stream_of[lease.slot] = stream
        return ticket

    def hush(self, owner: Owner) -> None:
        """The stream has ended: no audio of it is taken any more."""
        self._hears[self._by_owner[owner].lease.slot] = 0

    def remove(self, owner: Owner) -> Tenant | None:
        """The stream moves out."""
        tenant = self._by_owner.pop(owner, None)
        if tenant is not None:
            self._lease_of[tenant.lease.slot] = self._hears[tenant.lease.slot] = 0
        return tenant

    def audio(self, hand_over: HandOver) -> AudioBatch:
        """The audio of a hand-over as the engine takes it, without that of streams that have gone."""
        from auricle_server.engine.types import AudioBatch

        # As unsigned numbers negative slots are too high, like those of another life; the ticket is wrong for both.
        slots = np.minimum(hand_over.slots.view(np.uint32), len(self._hears) - 1).view(np.int32)
        lengths, pcm = hand_over.lengths, hand_over.pcm
        heard = (self._hears[slots] == hand_over.leases) & (hand_over.leases > 0)
        if not heard.all():
            slots, lengths, pcm = slots[heard], lengths[heard], pcm[np.repeat(heard, lengths)]
        return AudioBatch(slots, self._lease_of[slots], lengths, pcm)

    def ended(self, results: StepResults) -> list[Owner]:
        """Whose last flush the results answer."""
        slots = results.slots[results.ended & (self._lease_of[results.slots] == results.leases)]
        gateways, streams = self._gateway_of[slots].tolist(), self._stream_of[slots].tolist()
        return [(self._gateways.names[gateway], stream) for gateway, stream in zip(gateways, streams, strict=True)]

    def by_gateway(self, results: StepResults) -> Iterator[tuple[bytes, ResultColumns]]:
        """The results, gateway by gateway; those of streams that have gone are left out."""
        held = self._lease_of[results.slots] == results.leases
        gateways = np.where(held, self._gateway_of[results.slots], -1)
        of_tokens = np.repeat(gateways, results.counts)
        for gateway in np.unique(gateways[held]).tolist():
            rows, tokens = gateways == gateway, of_tokens == gateway
            yield (
                self._gateways.names[gateway],
                ResultColumns.of(
                    self._stream_of[results.slots[rows]],
                    results.samples[rows],
                    results.counts[rows],
                    results.marks[rows],
                    results.tokens[tokens],
                    results.frames[tokens],
                    results.probabilities[tokens],
                ),
            )
