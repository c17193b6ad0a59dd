"""A fleet in time: calls come through proxies to servers that take them or refuse them, fail and are updated.

What a server decides is the server's own code: how many streams it takes is asked of `Admission`, and how long results
wait is found by running the engine's queues and its batcher (`delays`). Tests hold both against the real thing. What
happens between the servers goes tick by tick, for all servers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from auricle.reconnect import ReconnectPolicy
from auricle_server.bench.fleet.balancer import RETRIES, accepted, spread
from auricle_server.bench.fleet.calls import CallPool, Calls, Traffic
from auricle_server.bench.fleet.delays import DelayTable
from auricle_server.bench.fleet.fleet_events import FleetServers, Outages
from auricle_server.bench.fleet.returning import Returning, WaitingCalls, new_calls, percentiles

Ints = npt.NDArray[np.int64]
_POINTS = 90
"""Points of the course of a run that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """What is simulated.

    Attributes:
        servers: Servers of the fleet.
        capacity: Streams that each takes.
        traffic: Calls.
        outages: What happens to servers.
        seconds: Length of the run.
        tick: Step of the simulation, seconds; also how often proxies check each server.
        proxies: Proxies, each of which counts its own streams only.
        policy: How clients of a lost server come back.
        seed: The same seed gives the same run.
    """

    servers: int
    capacity: int
    traffic: Traffic
    outages: Outages = field(default_factory=Outages)
    seconds: float = 3600.0
    tick: float = 0.5
    proxies: int = 1
    policy: ReconnectPolicy = field(default_factory=ReconnectPolicy)
    seed: int = 0


@dataclass(slots=True)
class _Tally:
    """What has been counted so far."""

    calls: int = 0
    refused: int = 0
    asked_again: int = 0
    moved: int = 0
    interruptions: list[npt.NDArray[np.float64]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """What has happened.

    Attributes:
        calls: Calls that came.
        refused: Of them, those that no server took: their clients got 503 from the proxy.
        asked_again: Streams that a server refused and a proxy offered to another one, in all attempts.
        moved: Times that a call went on on another server, or on the same after its restart.
        given_up: Calls whose client stopped looking for a server.
        still_waiting: Calls that had no server when the run ended.
        interruption: Percentiles of the time that moved calls were without a server, seconds.
        most_streams: Most streams at a time.
        used: Mean share of the capacity of all servers in use.
        most_used: Largest share of the capacity of the servers that took streams in use.
        delay: Percentiles of the wait from the audio that completes a chunk to its results, seconds.
        updated: Servers that a rolling update has replaced.
        update_seconds: How long it took; None where it has not ended.
        course: Streams, capacity, waiting and refused calls over the time.
    """

    calls: int
    refused: int
    asked_again: int
    moved: int
    given_up: int
    still_waiting: int
    interruption: dict[str, float]
    most_streams: int
    used: float
    most_used: float
    delay: dict[str, float]
    updated: int
    update_seconds: float | None
    course: dict[str, list[float]]


class Fleet:
    """Runs a fleet.

    Args:
        options: What is simulated.
        delays: The wait for results by the streams of a worker.
    """

    def __init__(self, options: FleetOptions, delays: DelayTable) -> None:
        self._options, self._delays = options, delays
        self._rng = np.random.default_rng(options.seed)
        self._servers = FleetServers(options.servers, options.outages, self._rng)
        self._counts = np.zeros((options.proxies, options.servers), np.int64)
        self._pool = CallPool()
        self._waiting = WaitingCalls(options.tick, self._rng, options.policy)
        self._open = np.ones(options.servers, np.bool_)
        """Servers that take streams, as the proxies saw them at their last check."""
        self._unnoticed = np.zeros_like(self._counts)
        """Streams of machines that were lost silently, which the proxies count until their next check."""
        self._tally = _Tally()
        self._stream_seconds = np.zeros(options.capacity + 1)
        self._course: dict[str, list[float]] = {name: [] for name in ("seconds", "streams", "capacity", "waiting")}
        self._course["refused"] = []
        self._shares: list[tuple[float, float]] = []
        self._most_streams = 0

    @property
    def streams(self) -> Ints:
        """Streams of each server, [servers]."""
        total: Ints = self._counts.sum(axis=0)
        return total

    def run(self, log: Callable[[str], None] = lambda _: None) -> FleetFigures:
        """Runs from a fleet in its steady state on."""
        options = self._options
        ticks = round(options.seconds / options.tick)
        traffic = options.traffic
        there = self._rng.poisson(traffic.rate(0.0) * traffic.mean_seconds)
        self._place(new_calls(self._ticks(0, traffic.remaining(self._rng, there))), 0)
        self._tally = _Tally()
        for tick in range(1, ticks + 1):
            self.advance(tick)
            if tick % max(1, ticks // _POINTS) == 0:
                self._note(tick)
            if tick % max(1, ticks // 5) == 0:
                log(f"{tick * options.tick:,.0f} s: {self.streams.sum():,} streams, {self._tally.refused:,} refused")
        return self._figures()

    def advance(self, tick: int) -> None:
        """One tick."""
        options = self._options
        now = tick * options.tick
        self._remove(self._pool.ended(tick))
        for ending in self._servers.advance(now, options.tick):
            lost = self._pool.take(ending.servers, options.proxies)
            if ending.silent:
                self._unnoticed += np.where(ending.servers, self._counts, 0)
            self._remove(lost)
            lost = lost.where(lost.ends > tick)
            low, high = options.outages.notice if ending.silent else (0.0, 0.0)
            self._waiting.lose(lost.ends, tick, self._rng.uniform(low, high, len(lost)))
        arrived = options.traffic.arrivals(self._rng, now, options.tick)
        self._tally.calls += arrived
        new = new_calls(self._ticks(tick, options.traffic.lengths(self._rng, arrived)))
        self._place(new.followed_by(self._waiting.due(tick)), tick)
        streams = self.streams
        self._open = self._servers.taking & (streams < options.capacity)
        self._unnoticed[:] = 0
        self._count(streams)

    def _ticks(self, tick: int, lengths: npt.NDArray[np.float64]) -> Ints:
        """When calls that begin now end."""
        ends: Ints = tick + np.maximum(1, np.ceil(lengths / self._options.tick)).astype(np.int64)
        return ends

    # --- finding servers ---------------------------------------------------------------------------------------------

    def _place(self, calls: Returning, tick: int) -> None:
        """Sends calls through the proxies to servers. What finds none is refused, or waits and tries again."""
        if not len(calls):
            return
        calls = calls.where(self._rng.permutation(len(calls)))
        proxy = np.sort(self._rng.integers(0, self._options.proxies, len(calls)))
        avoided = np.zeros(len(self._open), np.bool_)
        down = avoided
        for attempt in range(1 + RETRIES):
            eligible = self._open & ~avoided & ~down
            if not len(calls) or not eligible.any():
                break
            self._tally.asked_again += len(calls) if attempt else 0
            # A proxy avoids the server that has just refused a stream. One that refuses connections it marks down.
            placed, avoided = self._try(calls, proxy, eligible, tick)
            down = down | (avoided & ~self._servers.up)
            calls, proxy = calls.where(~placed), proxy[~placed]
        again = calls.lost >= 0
        self._tally.refused += int(np.count_nonzero(~again))
        if again.any():
            self._waiting.refuse(calls.where(again), tick)

    def _try(
        self, calls: Returning, proxy: Ints, eligible: npt.NDArray[np.bool_], tick: int
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """One attempt of all calls: which were taken, [n], and which servers have refused some, [servers].

        Args:
            calls: The calls, in the order of their proxies.
            proxy: Proxy of each, ascending, [n].
            eligible: Servers that the proxies try, [servers].
            tick: Now.
        """
        proxies, servers = self._counts.shape
        arrivals = np.bincount(proxy, minlength=proxies)
        assigned = spread(self._counts + self._unnoticed, arrivals, eligible, self._rng.permutation(servers))
        free = np.where(self._servers.taking, self._options.capacity - self.streams, 0)
        taken = accepted(assigned, free, self._rng.permutation(proxies))
        before = np.cumsum(arrivals) - arrivals
        placed = np.arange(len(calls)) - before[proxy] < taken.sum(axis=1)[proxy]
        places = np.repeat(np.arange(taken.size), taken.ravel())
        self._counts += taken
        found = calls.where(placed)
        self._pool.add(Calls(found.ends, places))
        moved = found.lost[found.lost >= 0]
        if len(moved):
            self._tally.moved += len(moved)
            self._tally.interruptions.append((tick - moved).astype(np.float64) * self._options.tick)
        return placed, taken.sum(axis=0) < assigned.sum(axis=0)

    def _remove(self, calls: Calls) -> None:
        if len(calls):
            self._counts -= np.bincount(calls.places, minlength=self._counts.size).reshape(self._counts.shape)

    # --- figures -----------------------------------------------------------------------------------------------------

    def _count(self, streams: Ints) -> None:
        capacity = self._options.capacity
        self._stream_seconds += np.bincount(streams, streams * self._options.tick, minlength=capacity + 1)
        total, taking = int(streams.sum()), int(np.count_nonzero(self._servers.taking))
        self._most_streams = max(self._most_streams, total)
        in_those = int(streams[self._servers.taking].sum())
        self._shares.append((total / (len(streams) * capacity), in_those / (max(1, taking) * capacity)))

    def _note(self, tick: int) -> None:
        course = self._course
        course["seconds"].append(tick * self._options.tick)
        course["streams"].append(int(self.streams.sum()))
        course["capacity"].append(int(np.count_nonzero(self._servers.taking)) * self._options.capacity)
        course["waiting"].append(len(self._waiting))
        course["refused"].append(self._tally.refused)

    def _figures(self) -> FleetFigures:
        tally, servers, outages = self._tally, self._servers, self._options.outages
        whole, taking = zip(*self._shares, strict=True)
        ended = servers.update_ended
        took = None if ended is None or outages.update is None else ended - outages.update
        return FleetFigures(
            calls=tally.calls,
            refused=tally.refused,
            asked_again=tally.asked_again,
            moved=tally.moved,
            given_up=self._waiting.given_up,
            still_waiting=len(self._waiting),
            interruption=percentiles(tally.interruptions),
            most_streams=self._most_streams,
            used=float(np.mean(whole)),
            most_used=float(max(taking)),
            delay=self._delays.percentiles(self._stream_seconds),
            updated=servers.updated,
            update_seconds=took,
            course=self._course,
        )


def simulate(options: FleetOptions, delays: DelayTable, log: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Runs a fleet and returns its figures as a record has them."""
    return asdict(Fleet(options, delays).run(log))
