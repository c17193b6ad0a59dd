"""What happens to the servers of a fleet: failures, losses of zones, and updates one after the other."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outages:
    """What happens, and how long it takes; times in seconds.

    Attributes:
        zones: Zones over which the servers are spread.
        restart: From the end of a process to its readiness: a start with the model in the cache.
        crashes: Crashes of a worker's process in a year of a server. Its clients notice at once.
        machine_losses: Losses of a whole machine in a year of a server. Its clients hear nothing more.
        repair: Until a lost machine is replaced.
        notice: From when to when after its loss the clients of a machine notice it, by their heartbeat.
        lost_zone: When a zone is lost, and for how long; None for never.
        update: When a rolling update begins; None for never.
        update_at_once: Servers that are updated at a time.
        drain: How long a server lets its calls go on (`--drain-seconds`).
    """

    zones: int = 3
    restart: float = 15.0
    crashes: float = 0.0
    machine_losses: float = 0.0
    repair: float = 600.0
    notice: tuple[float, float] = (10.0, 30.0)
    lost_zone: tuple[float, float] | None = None
    update: float | None = None
    update_at_once: int = 1
    drain: float = 50.0


@dataclass(frozen=True, slots=True)
class Ending:
    """Servers that stop now.

    Attributes:
        servers: Which, [servers].
        silent: Whether their clients are told nothing, and find out by their heartbeat.
    """

    servers: Bools
    silent: bool


class FleetServers:
    """Which servers serve, drain or are away. Pure: the time is passed in.

    Attributes:
        up: Servers that have a process, [servers].
        draining: Those of them that take no new streams, [servers].
        updated: Servers that were updated so far.
        update_ended: When the last one was ready again; None before.

    Args:
        servers: Number of servers.
        outages: What happens to them.
        rng: Draws failures.
    """

    def __init__(self, servers: int, outages: Outages, rng: np.random.Generator) -> None:
        self.up = np.ones(servers, np.bool_)
        self.draining = np.zeros(servers, np.bool_)
        self.updated = 0
        self.update_ended: float | None = None
        self._outages, self._rng = outages, rng
        self._back: dict[int, float] = {}
        """When each server that is away is ready again."""
        self._drained: dict[int, float] = {}
        """When each draining server stops."""
        self._updating: set[int] = set()
        self._to_update: deque[int] = deque(range(servers) if outages.update is not None else ())
        self._zone = np.arange(servers) % outages.zones

    @property
    def taking(self) -> Bools:
        """Servers that take new streams."""
        return self.up & ~self.draining

    def advance(self, now: float, tick: float) -> list[Ending]:
        """What has ended since the tick before. Servers that are ready again are back afterwards."""
        self._return(now)
        endings = defaultdict(list)
        for server in [server for server, at in self._drained.items() if at <= now]:
            del self._drained[server]
            endings[False].append(server)
            self._leave(server, now + self._outages.restart)
        self._fail(now, tick, endings)
        self._update(now)
        return [Ending(_mask(servers, len(self.up)), silent) for silent, servers in endings.items() if servers]

    def _return(self, now: float) -> None:
        for server in [server for server, at in self._back.items() if at <= now]:
            del self._back[server]
            self.up[server], self.draining[server] = True, False
            if server in self._updating:
                self._updating.discard(server)
                self.updated += 1
        if self.update_ended is None and self.updated and not self._updating and not self._to_update:
            self.update_ended = now

    def _fail(self, now: float, tick: float, endings: dict[bool, list[int]]) -> None:
        year = 365 * 86_400.0
        for silent, each_year, away in (
            (False, self._outages.crashes, self._outages.restart),
            (True, self._outages.machine_losses, self._outages.repair),
        ):
            for server in np.flatnonzero(self._rng.random(len(self.up)) < each_year * tick / year).tolist():
                self._lose(server, now + away, endings[silent])
        zone = self._outages.lost_zone
        if zone is not None and zone[0] <= now < zone[0] + tick:
            for server in np.flatnonzero(self._zone == 0).tolist():
                self._lose(server, now + zone[1], endings[True])

    def _lose(self, server: int, back: float, ending: list[int]) -> None:
        if self.up[server]:
            ending.append(server)
        self._drained.pop(server, None)
        self._leave(server, max(back, self._back.get(server, 0.0)))

    def _leave(self, server: int, back: float) -> None:
        self.up[server] = self.draining[server] = False
        self._back[server] = back

    def _update(self, now: float) -> None:
        if self._outages.update is None or now < self._outages.update:
            return
        for _ in range(len(self._to_update)):
            if len(self._updating) >= self._outages.update_at_once:
                return
            server = self._to_update.popleft()
            if not self.up[server]:  # away already; it comes back first
                self._to_update.append(server)
                continue
            self._updating.add(server)
            self.draining[server] = True
            self._drained[server] = now + self._outages.drain


def _mask(servers: list[int], count: int) -> Bools:
    mask = np.zeros(count, np.bool_)
    mask[servers] = True
    return mask
