"""Calls: when they come, how long they last, and which server has each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_WINDOW = 64
"""Ticks whose ends are sorted at once."""
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """How calls come and how long they last.

    Attributes:
        streams: Live streams at the peak, on average.
        mean_seconds: Mean length of a call.
        spread: Sigma of the logarithm of the length: calls are log-normal.
        lowest: Live streams at the lowest point of the day, as a share of the peak; 1 for no wave.
        bursts: Of each burst, when it begins, how long it lasts (seconds), and by how much more calls come meanwhile.
        peak_at: Second of the simulation at which the peak of the day is.
    """

    streams: float
    mean_seconds: float = 180.0
    spread: float = 0.9
    lowest: float = 1.0
    bursts: tuple[tuple[float, float, float], ...] = ()
    peak_at: float = 0.0

    def rate(self, now: float) -> float:
        """Calls a second."""
        wave = self.lowest + (1 - self.lowest) * (0.5 + 0.5 * math.cos(2 * math.pi * (now - self.peak_at) / DAY))
        more = sum(extra for begins, lasts, extra in self.bursts if begins <= now < begins + lasts)
        return self.streams * wave * (1 + more) / self.mean_seconds

    def arrivals(self, rng: np.random.Generator, now: float, seconds: float) -> int:
        """Calls that come within so many seconds from now on."""
        return int(rng.poisson(self.rate(now) * seconds))

    def lengths(self, rng: np.random.Generator, calls: int) -> Floats:
        """Lengths of new calls, seconds."""
        middle = math.log(self.mean_seconds) - self.spread**2 / 2
        return rng.lognormal(middle, self.spread, calls)

    def remaining(self, rng: np.random.Generator, calls: int) -> Floats:
        """What is left of calls that are met at a random moment, seconds: longer ones are met more often."""
        middle = math.log(self.mean_seconds) + self.spread**2 / 2
        return rng.lognormal(middle, self.spread, calls) * rng.random(calls)


@dataclass(frozen=True, slots=True)
class Calls:
    """Some calls, column by column.

    Attributes:
        ends: Tick at which each ends, [n].
        places: Proxy and server of each: ``proxy * servers + server``, [n].
    """

    ends: Ints
    places: Ints

    def __len__(self) -> int:
        return len(self.ends)

    def where(self, mask: npt.NDArray[np.bool_]) -> Calls:
        """Those that the mask selects."""
        return Calls(self.ends[mask], self.places[mask])


NONE = Calls(np.zeros(0, np.int64), np.zeros(0, np.int64))


class CallPool:
    """The calls that are on a server, by the tick at which they end."""

    def __init__(self) -> None:
        self._start = self._window = 0
        """The ticks from the first to before the second are those whose calls are sorted."""
        self._soon: list[list[Calls]] = []
        """Calls of each of these ticks."""
        self._later: list[Calls] = []

    def add(self, calls: Calls) -> None:
        """Adds calls."""
        soon = calls.ends < self._window
        self._sort(calls.where(soon))
        self._later.append(calls.where(~soon))

    def ended(self, tick: int) -> Calls:
        """Takes the calls that end at a tick; ticks are asked for one after the other."""
        if tick >= self._window:
            self._start, self._window = tick, tick + _WINDOW
            self._soon = [[] for _ in range(_WINDOW)]
            later = joined(self._later)
            soon = later.ends < self._window
            self._later = [later.where(~soon)]
            self._sort(later.where(soon))
        index = tick - self._start
        taken, self._soon[index] = joined(self._soon[index]), []
        return taken

    def take(self, servers: npt.NDArray[np.bool_], proxies: int) -> Calls:
        """Takes all calls of some servers, which are lost or have ended their drain.

        Args:
            servers: Which of them, [servers].
            proxies: Number of proxies.
        """
        of_place = np.tile(servers, proxies)
        taken, self._later = _split(joined(self._later), of_place)
        found = [taken]
        for index, group in enumerate(self._soon):
            taken, self._soon[index] = _split(joined(group), of_place)
            found.append(taken)
        return joined(found)

    def _sort(self, calls: Calls) -> None:
        """Sorts calls that end within the window; those whose end has passed end with the next tick."""
        order = np.argsort(calls.ends, kind="stable")
        ends = np.maximum(calls.ends[order] - self._start, 0)
        calls = Calls(calls.ends[order], calls.places[order])
        bounds = np.searchsorted(ends, np.arange(len(self._soon) + 1))
        for index in np.flatnonzero(np.diff(bounds)).tolist():
            part = slice(bounds[index], bounds[index + 1])
            self._soon[index].append(Calls(calls.ends[part], calls.places[part]))


def joined(groups: list[Calls]) -> Calls:
    """All the calls of some groups."""
    groups = [group for group in groups if len(group)]
    if not groups:
        return NONE
    return Calls(np.concatenate([each.ends for each in groups]), np.concatenate([each.places for each in groups]))


def _split(calls: Calls, of_place: npt.NDArray[np.bool_]) -> tuple[Calls, list[Calls]]:
    """The calls whose places the mask selects, and a list with the others."""
    chosen = of_place[calls.places]
    return calls.where(chosen), [calls.where(~chosen)] if len(calls) else []
