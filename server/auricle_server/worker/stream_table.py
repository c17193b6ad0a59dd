"""Which stream of which gateway holds which slot of a worker; results sorted by gateway. Pure, no Python per row."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auricle_server.audio_batch import AudioBatch
from auricle_server.ipc.columns import Array, ResultBatch, ResultColumns

if TYPE_CHECKING:
    from auricle_server.engine.types import Lease, StepResults

Owner = tuple[bytes, int]
"""A gateway's identity and its number for the stream."""
_LIFE_BITS, _LEASE_BITS = 30, 32
_FIRST = -1
"""No second lane begins there."""


@dataclass(slots=True)
class StreamEntry:
    """A stream in a slot, or in two.

    Attributes:
        lease: Its hold on the slot.
        latency_ms: What the worker's time is planned for.
        language: In which it is heard.
        keyterms: Which it favours.
        refine: What it wants of a second lane: "off", "on" or "auto".
        second: The second lane's hold on a slot, while there is one.
        offline: Whether nobody listens live: no time is planned for it.
    """

    lease: Lease
    latency_ms: int
    language: str = ""
    refine: str = "off"
    second: Lease | None = None
    offline: bool = False
    keyterms: tuple[str, ...] = ()


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


class StreamTable:
    """The streams that a worker holds.

    Gateways name a lease by a ticket. It holds a number of this worker's life beside the engine's own, for engines
    count their leases from 1 on: audio that waited for a worker that has died must not reach its successor's streams.

    Args:
        slots: Highest slot.
        frame_samples: Length of an encoder frame.

    Attributes:
        seconds: Second lanes that there are.
    """

    def __init__(self, slots: int, frame_samples: int = 1280) -> None:
        self.seconds = 0
        self._frame_samples = frame_samples
        self._life = (1 + secrets.randbits(_LIFE_BITS)) << _LEASE_BITS
        self._by_owner: dict[Owner, StreamEntry] = {}
        self._gateways = _Gateways()
        self._lease_of = np.zeros(slots + 1, np.int64)
        self._hears = np.zeros(slots + 1, np.int64)
        """Ticket under which each slot still takes audio, else 0."""
        self._gateway_of = np.zeros(slots + 1, np.int32)
        self._stream_of = np.zeros(slots + 1, np.int64)
        self._received = np.zeros(slots + 1, np.int64)
        """Samples of each slot's stream so far."""
        self._second_of = np.zeros(slots + 1, np.int32)
        """Slot of the second lane of each slot's stream, 0 where there is none."""
        self._begins = np.full(slots + 1, _FIRST)
        """Encoder frame of its stream with which a second lane begins; `_FIRST` in all other slots."""

    def __len__(self) -> int:
        return len(self._by_owner)

    def __iter__(self) -> Iterator[Owner]:
        return iter(list(self._by_owner))

    def of_gateway(self, gateway: bytes) -> list[Owner]:
        """The streams of one gateway."""
        return [owner for owner in self._by_owner if owner[0] == gateway]

    def get(self, owner: Owner) -> StreamEntry | None:
        """The stream's slot, if it has one."""
        return self._by_owner.get(owner)

    def add(self, owner: Owner, lease: Lease, latency_ms: int, language: str = "") -> int:
        """A stream moves in; returns its ticket."""
        self._by_owner[owner] = StreamEntry(lease, latency_ms, language)
        self._occupy(owner, lease, _FIRST)
        self._received[lease.slot] = 0
        self._hears[lease.slot] = ticket = self._life + lease.id
        return ticket

    def _occupy(self, owner: Owner, lease: Lease, begins: int) -> None:
        gateway, stream = owner
        self._lease_of[lease.slot] = lease.id
        self._gateway_of[lease.slot] = self._gateways.number(gateway)
        self._stream_of[lease.slot] = stream
        self._second_of[lease.slot] = 0
        self._begins[lease.slot] = begins

    def open_second(self, owner: Owner, lease: Lease, chunk_frames: int = 1) -> tuple[int, int]:
        """A second lane, from now on.

        Args:
            owner: The stream.
            lease: The lane's hold on its slot.
            chunk_frames: Encoder frames of its chunks.

        Returns:
            Samples of the stream before it, and how many of them it must be given as silence: so many that its chunks
            are those that it would have if it had heard the stream from its beginning. Lanes that are opened at the
            same time then do not fall due at the same time.
        """
        tenant = self._by_owner[owner]
        base = int(self._received[tenant.lease.slot])
        chunks, silence = divmod(base, chunk_frames * self._frame_samples)
        self._occupy(owner, lease, chunks * chunk_frames)
        self._second_of[tenant.lease.slot] = lease.slot
        tenant.second = lease
        self.seconds += 1
        return base, silence

    def close_second(self, owner: Owner) -> Lease | None:
        """The second lane goes, if there is one."""
        tenant = self._by_owner[owner]
        lease, tenant.second = tenant.second, None
        if lease is not None:
            self._second_of[tenant.lease.slot] = 0
            self._vacate(lease)
            self.seconds -= 1
        return lease

    def stop_input(self, owner: Owner) -> None:
        """The stream has ended: no audio of it is taken any more."""
        self._hears[self._by_owner[owner].lease.slot] = 0

    def remove(self, owner: Owner) -> StreamEntry | None:
        """The stream moves out."""
        tenant = self._by_owner.pop(owner, None)
        if tenant is not None:
            self._vacate(tenant.lease)
        if tenant is not None and tenant.second is not None:
            self._vacate(tenant.second)
            self.seconds -= 1
        return tenant

    def _vacate(self, lease: Lease) -> None:
        """Unless the slot has another tenant already: the engine gives it back with the answer to a last flush."""
        if self._lease_of[lease.slot] == lease.id:
            self._lease_of[lease.slot] = self._hears[lease.slot] = 0

    def audio(self, received: AudioBatch) -> AudioBatch:
        """The audio that gateways have sent as the engine takes it, without that of streams that have gone."""
        # As unsigned numbers negative slots are too high, like those of another life; the ticket is wrong for both.
        slots = np.minimum(received.slots.view(np.uint32), len(self._hears) - 1).view(np.int32)
        lengths, pcm = received.lengths, received.pcm
        heard = (self._hears[slots] == received.leases) & (received.leases > 0)
        if not heard.all():
            slots, lengths, pcm = slots[heard], lengths[heard], pcm[np.repeat(heard, lengths)]
        self._received += np.bincount(slots, lengths, len(self._received)).astype(np.int64)
        if self.seconds:
            slots, lengths, pcm = self._doubled(slots, lengths, pcm)
        return AudioBatch(slots, self._lease_of[slots], lengths, pcm)

    def _doubled(self, slots: Array, lengths: Array, pcm: Array) -> tuple[Array, Array, Array]:
        """The same, and behind it once more what second lanes hear of it."""
        seconds = self._second_of[slots]
        has_one = seconds > 0
        return (
            np.concatenate((slots, seconds[has_one])),
            np.concatenate((lengths, lengths[has_one])),
            np.concatenate((pcm, pcm[np.repeat(has_one, lengths)])),
        )

    def ended(self, results: StepResults) -> list[Owner]:
        """Whose last flush the results answer, in all lanes; slots of lanes that have answered are free."""
        over: list[Owner] = []
        rows = results.ended & (self._lease_of[results.slots] == results.leases)
        for slot in results.slots[rows].tolist():
            owner = self._gateways.names[int(self._gateway_of[slot])], int(self._stream_of[slot])
            tenant = self._by_owner[owner]
            lanes = [lease for lease in (tenant.lease, tenant.second) if lease is not None]
            self._lease_of[slot] = 0
            if not any(self._lease_of[lease.slot] == lease.id for lease in lanes):
                over.append(owner)
        return over

    def by_gateway(self, results: StepResults) -> Iterator[tuple[bytes, ResultColumns]]:
        """The results, gateway by gateway; those of streams that have gone are left out."""
        held = self._lease_of[results.slots] == results.leases
        gateways = np.where(held, self._gateway_of[results.slots], -1)
        of_tokens = np.repeat(gateways, results.counts)
        samples, frames, refined = self._on_the_streams_clock(results)
        for gateway in np.unique(gateways[held]).tolist():
            rows, tokens = gateways == gateway, of_tokens == gateway
            yield (
                self._gateways.names[gateway],
                ResultColumns.of(
                    ResultBatch(
                        streams=self._stream_of[results.slots[rows]],
                        samples=samples[rows],
                        counts=results.counts[rows],
                        marks=results.marks[rows],
                        tokens=results.tokens[tokens],
                        frames=frames[tokens],
                        probabilities=results.probabilities[tokens],
                        confidences=results.confidences[tokens],
                        refined=None if refined is None else refined[rows],
                    )
                ),
            )

    def _on_the_streams_clock(self, results: StepResults) -> tuple[Array, Array, Array | None]:
        """Samples and frames of the results, and which are second lanes' (None: none), as lanes begin where they do."""
        if not self.seconds:
            return results.samples, results.frames, None
        begins = self._begins[results.slots]
        before = np.maximum(begins, 0)
        samples = results.samples + before * self._frame_samples
        return samples, results.frames + np.repeat(before, results.counts), begins != _FIRST
