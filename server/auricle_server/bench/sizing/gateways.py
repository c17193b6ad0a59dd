"""What gateways, sockets and networks take for each stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auricle_server.bench.clips import PACKET_SAMPLES, PACKET_SECONDS
from auricle_server.bench.sizing.step_times import Basis

Result = Mapping[str, Any]

BUDGET = 60e-6
"""CPU seconds of a gateway for each packet that `tests.bench.bench_gateway` allows: assumed where no record is."""
BUSY = 0.6
"""Share of its core that a gateway may use; the rest is for bursts."""
STREAMS_OF_A_PROXY = 30_000
"""Half of `fd-hard-limit` in deploy/haproxy: a stream takes two open files."""
_HEADERS = 8 + 52
"""Bytes around a packet: of a masked WebSocket message, and of TCP and IPv4 with timestamps."""


@dataclass(frozen=True, slots=True)
class GatewayCost:
    """What a stream takes in a gateway.

    Attributes:
        cores: Cores for each stream.
        base_bytes: Memory of a gateway without streams.
        stream_bytes: Memory for each stream.
        basis: How these are known.
        source: In words.
    """

    cores: float
    base_bytes: float
    stream_bytes: float
    basis: Basis
    source: str


def gateway_cost(results: Sequence[Result]) -> GatewayCost:
    """From the newest record of `auricle bench serve` whose streams held; without one, the budgets."""
    served = [each for each in results if each["kind"] == "serve" and not each["figures"]["problems"]]
    if not served:
        told = "budgets that the benches check: 60 us for a packet, 100 kB for a stream"
        return GatewayCost(BUDGET / PACKET_SECONDS, 50e6, 100e3, Basis.ASSUMED, told)
    newest = max(served, key=lambda each: str(each["date"]))
    machine, load = newest["machine"], newest["figures"]["load"]
    memory = [1e6 * each for each in load["memory_megabytes"]["gateway"]]
    told = (
        f"serve record of {machine['cpu']}, {machine['cores']} cores, {newest['date'][:10]}, {load['streams']} streams"
    )
    return GatewayCost(
        load["cores"]["gateway"] / load["streams"],
        memory[0] / newest["options"]["gateways"],
        max(0.0, max(memory) - memory[0]) / load["streams"],
        Basis.MEASURED,
        told,
    )


def upload_bits() -> float:
    """Bits a second that a stream sends: 16 kHz PCM in packets of 20 ms, with headers, without TLS."""
    return 8 * (2 * PACKET_SAMPLES + _HEADERS) / PACKET_SECONDS
