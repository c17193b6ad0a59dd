"""Which stream of which gateway has which slot of a worker; results sorted by gateway. Pure, no Python per row."""

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

StreamKey = tuple[bytes, int]
"""A gateway's identity and its number for the stream."""
_INCARNATION_BITS, _LEASE_BITS = 30, 32
_FIRST_PASS = -1
"""Start frame of a slot whose results are those of a first pass."""


@dataclass(slots=True)
class StreamEntry:
    """A stream, and the slot or the two slots that it has.

    Attributes:
        lease: Its lease of a slot.
        latency_ms: Chunk latency for which time is planned.
        language: Language that the decoder expects.
        refine: Whether it wants a second pass: "off", "on" or "auto".
        second_lease: The lease of its second pass, while it has one.
        offline: Whether it has background priority, so that no time is planned for it.
        keyterms: Phrases that the decoder favours.
    """

    lease: Lease
    latency_ms: int
    language: str = ""
    refine: str = "off"
    second_lease: Lease | None = None
    offline: bool = False
    keyterms: tuple[str, ...] = ()

    @property
    def leases(self) -> list[Lease]:
        """All its leases, that of the first pass first."""
        return [self.lease] if self.second_lease is None else [self.lease, self.second_lease]


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
    """The streams of a worker.

    Gateways know a lease by a number that combines the engine's with a random number of this worker process: engines
    count their leases from 1 on, and audio that waited for a worker that has died must not reach its successor's
    streams.

    Args:
        slots: Highest slot.
        frame_samples: Length of an encoder frame.

    Attributes:
        second_passes: How many streams have a second pass.
    """

    def __init__(self, slots: int, frame_samples: int = 1280) -> None:
        self.second_passes = 0
        self._frame_samples = frame_samples
        self._incarnation = (1 + secrets.randbits(_INCARNATION_BITS)) << _LEASE_BITS
        self._entries: dict[StreamKey, StreamEntry] = {}
        self._gateways = _Gateways()
        # One more than slots, which count from 1: slot 0 stands for none.
        self._lease_of = np.zeros(slots + 1, np.int64)
        """The engine's lease of each slot, 0 where the slot is free or has answered its last flush."""
        self._input_lease = np.zeros(slots + 1, np.int64)
        """Lease, as gateways know it, for which each slot still accepts audio, else 0."""
        self._gateway_of = np.zeros(slots + 1, np.int32)
        self._stream_of = np.zeros(slots + 1, np.int64)
        self._received = np.zeros(slots + 1, np.int64)
        """Samples received of each slot's stream."""
        self._second_slot = np.zeros(slots + 1, np.int32)
        """Slot of the second pass of each slot's stream, 0 without one."""
        self._start_frame = np.full(slots + 1, _FIRST_PASS)
        """Encoder frame of its stream at which a second pass starts; `_FIRST_PASS` in all other slots."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[StreamKey]:
        # A copy, because callers close streams while they iterate.
        return iter(list(self._entries))

    def of_gateway(self, gateway: bytes) -> list[StreamKey]:
        """The streams of one gateway."""
        return [key for key in self._entries if key[0] == gateway]

    def get(self, key: StreamKey) -> StreamEntry | None:
        """The stream's entry; None when the stream has ended."""
        return self._entries.get(key)

    def key_of(self, lease: Lease) -> StreamKey | None:
        """The stream whose first pass has this lease; None when it has ended, or the lease is a second pass's."""
        slot = lease.slot
        if self._lease_of[slot] != lease.id or self._start_frame[slot] != _FIRST_PASS:
            return None
        return self._gateways.names[int(self._gateway_of[slot])], int(self._stream_of[slot])

    def add(self, key: StreamKey, lease: Lease, latency_ms: int, language: str = "") -> int:
        """Adds a stream. Returns its lease as gateways know it."""
        self._entries[key] = StreamEntry(lease, latency_ms, language)
        self._assign(key, lease, _FIRST_PASS)
        self._received[lease.slot] = 0
        self._input_lease[lease.slot] = gateway_lease = self._incarnation + lease.id
        return gateway_lease

    def _assign(self, key: StreamKey, lease: Lease, start_frame: int) -> None:
        gateway, stream = key
        self._lease_of[lease.slot] = lease.id
        self._gateway_of[lease.slot] = self._gateways.number(gateway)
        self._stream_of[lease.slot] = stream
        self._second_slot[lease.slot] = 0
        self._start_frame[lease.slot] = start_frame

    def add_second_pass(self, key: StreamKey, lease: Lease, chunk_frames: int = 1) -> tuple[int, int]:
        """Adds a second pass, from now on.

        Args:
            key: The stream.
            lease: The second pass's lease of a slot.
            chunk_frames: Encoder frames of its chunks.

        Returns:
            Samples of the stream before it, and how many of them it must get as silence, so that its chunks are those
            of a second pass from the stream's beginning. Second passes that are opened at the same time are then not
            due at the same time.
        """
        entry = self._entries[key]
        base = int(self._received[entry.lease.slot])
        chunks, silence = divmod(base, chunk_frames * self._frame_samples)
        self._assign(key, lease, chunks * chunk_frames)
        self._second_slot[entry.lease.slot] = lease.slot
        entry.second_lease = lease
        self.second_passes += 1
        return base, silence

    def start_sample(self, lease: Lease) -> int:
        """Sample of its stream at which a lease starts: 0 but for second passes."""
        return max(0, int(self._start_frame[lease.slot])) * self._frame_samples

    def remove_second_pass(self, key: StreamKey) -> Lease | None:
        """Removes the second pass, if there is one, and returns its lease."""
        entry = self._entries[key]
        lease, entry.second_lease = entry.second_lease, None
        if lease is not None:
            self._second_slot[entry.lease.slot] = 0
            self._free(lease)
            self.second_passes -= 1
        return lease

    def stop_input(self, key: StreamKey) -> None:
        """Accepts no more audio of a stream."""
        self._input_lease[self._entries[key].lease.slot] = 0

    def remove(self, key: StreamKey) -> StreamEntry | None:
        """Removes a stream, if it is there, and returns its entry."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            for lease in entry.leases:
                self._free(lease)
            self.second_passes -= entry.second_lease is not None
        return entry

    def _free(self, lease: Lease) -> None:
        """Frees a slot that still has this lease: the engine may have leased it anew after an answered last flush."""
        if self._lease_of[lease.slot] == lease.id:
            self._lease_of[lease.slot] = self._input_lease[lease.slot] = 0

    def route_audio(self, received: AudioBatch) -> AudioBatch:
        """The audio that gateways have sent, for the engine: without ended streams, with second passes."""
        # As unsigned numbers negative slots are too high, like those of another process; their lease does not match.
        slots = np.minimum(received.slots.view(np.uint32), len(self._input_lease) - 1).view(np.int32)
        audio = AudioBatch(slots, received.leases, received.lengths, received.pcm)
        accepted = (self._input_lease[slots] == received.leases) & (received.leases > 0)
        if not accepted.all():
            audio = audio.where(accepted)
        # A stream may come twice in a batch: `_received[slots] += lengths` would count it once.
        self._received += np.bincount(audio.slots, audio.lengths, len(self._received)).astype(np.int64)
        slots, lengths, pcm = audio.slots, audio.lengths, audio.pcm
        if self.second_passes:
            second_slots = self._second_slot[slots]
            again = audio.where(second_slots > 0)
            slots = np.concatenate((slots, second_slots[second_slots > 0]))
            lengths, pcm = np.concatenate((lengths, again.lengths)), np.concatenate((pcm, again.pcm))
        return AudioBatch(slots, self._lease_of[slots], lengths, pcm)

    def finished(self, results: StepResults) -> list[StreamKey]:
        """Streams whose last flush the results have answered, in all their passes; frees the slots of those passes."""
        done: list[StreamKey] = []
        rows = results.ended & (self._lease_of[results.slots] == results.leases)
        for slot in results.slots[rows].tolist():
            key = self._gateways.names[int(self._gateway_of[slot])], int(self._stream_of[slot])
            self._lease_of[slot] = 0
            # Both passes answer the last flush, each in a step of its own; the stream ends with the later one.
            if not any(self._lease_of[lease.slot] == lease.id for lease in self._entries[key].leases):
                done.append(key)
        return done

    def by_gateway(self, results: StepResults) -> Iterator[tuple[bytes, ResultColumns]]:
        """The results, gateway by gateway, without those of streams that have ended."""
        current = self._lease_of[results.slots] == results.leases
        gateways = np.where(current, self._gateway_of[results.slots], -1)
        of_tokens = np.repeat(gateways, results.counts)
        samples, frames, refined = self._on_stream_clock(results)
        # As many turns as there are gateways, however many streams they have.
        for gateway in np.unique(gateways[current]).tolist():
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

    def _on_stream_clock(self, results: StepResults) -> tuple[Array, Array, Array | None]:
        """Samples and frames of the results on their streams' clocks, and which are of a second pass (None: none).

        The engine counts from the start of a lease; a second pass starts later than its stream.
        """
        if not self.second_passes:
            return results.samples, results.frames, None
        start_frame = self._start_frame[results.slots]
        before = np.maximum(start_frame, 0)
        samples = results.samples + before * self._frame_samples
        return samples, results.frames + np.repeat(before, results.counts), start_frame != _FIRST_PASS
