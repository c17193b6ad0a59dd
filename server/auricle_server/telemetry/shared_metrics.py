"""Figures of several gateways in memory that they share, so that each of them answers for all.

prometheus_client has files for this (its multiprocess mode), mapped into the gateways. A disk that fills up, or a file
that something shortens, kills whoever writes to such a page with SIGBUS. This memory lies in no file system (Linux:
`memfd_create`), its pages are taken at the start, and it can be neither shortened nor deleted. It is the supervisor's,
so the counts of a gateway that has died remain, and its successor counts on.

Each gateway has an area: the number of its figures, the figures as doubles, and their keys in the same order. One
process writes to it; the others read what is there below the number.
"""

from __future__ import annotations

import fcntl
import json
import logging
import math
import mmap
import os
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing import reduction
from threading import Lock
from typing import Any, NamedTuple

from prometheus_client import Metric

log = logging.getLogger(__name__)

FIGURES = 24_576
"""Figures of one gateway, five for each key that a keys file may have among them; those beyond are its own."""
_KEY_BYTES = 128 * FIGURES
_COUNT, _KEY_END, _ALIVE = 0, 1, 2
"""Numbers at the start of an area: figures, bytes of their keys, and whether its gateway runs."""
_HEADER = 3
_AREA_BYTES = -(-(8 * (_HEADER + FIGURES) + _KEY_BYTES) // mmap.PAGESIZE) * mmap.PAGESIZE


class FigureKey(NamedTuple):
    """What a figure counts.

    Attributes:
        kind: ``counter``, ``histogram``, or how a gauge is joined: ``livemax`` or ``livesum``.
        metric: Name of the metric.
        sample: Name of the sample; that of a histogram's bucket ends in ``_bucket``.
        labels: Names and values.
    """

    kind: str
    metric: str
    sample: str
    labels: tuple[tuple[str, str], ...]

    @property
    def is_gauge(self) -> bool:
        """Whether it says what is, which a process that has ended no longer does."""
        return self.kind.startswith("live")


class MetricMemory:
    """Memory for the figures of all gateways of one server. Goes to a process that is spawned like a connection does.

    Args:
        descriptor: Of the memory; closed with this object.
        gateways: How many gateways there are.
    """

    def __init__(self, descriptor: int, gateways: int) -> None:
        self._descriptor, self._gateways = descriptor, gateways
        self._mapping = mmap.mmap(descriptor, gateways * _AREA_BYTES)

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (reduction.DupFd(self._descriptor), self._gateways)

    @property
    def descriptor(self) -> int:
        """Of the memory."""
        return self._descriptor

    def area(self, gateway: int) -> MetricArea:
        """The area of a gateway, by its number."""
        return MetricArea(memoryview(self._mapping)[gateway * _AREA_BYTES : (gateway + 1) * _AREA_BYTES])

    def areas(self) -> list[MetricArea]:
        """The areas of all gateways."""
        return [self.area(gateway) for gateway in range(self._gateways)]

    def close(self) -> None:
        """Closes the descriptor. The memory lasts as long as a process has it."""
        os.close(self._descriptor)


def _received(sent: Any, gateways: int) -> MetricMemory:
    return MetricMemory(sent.detach(), gateways)


def metric_memory(gateways: int) -> MetricMemory | None:
    """Memory for the figures of so many gateways; None where the system has none, upon which each shows its own."""
    try:
        descriptor = os.memfd_create("auricle-metrics", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except (AttributeError, OSError) as error:  # macOS lacks the function; a limit of the system may refuse it
        log.warning("each gateway shows its own metrics only: no memory to share (%s)", error)
        return None
    try:
        # Takes the pages now, where a lack of memory is an error and not a signal in the middle of a call.
        os.posix_fallocate(descriptor, 0, gateways * _AREA_BYTES)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        return MetricMemory(descriptor, gateways)
    except OSError as error:
        os.close(descriptor)
        log.warning("each gateway shows its own metrics only: no memory to share (%s)", error)
        return None


class MetricArea:
    """The figures of one gateway.

    Args:
        memory: Its bytes.
    """

    def __init__(self, memory: memoryview) -> None:
        numbers = 8 * (_HEADER + FIGURES)
        self._header = memory[: 8 * _HEADER].cast("q")
        self._figures = memory[8 * _HEADER : numbers].cast("d")
        self._keys = memory[numbers : numbers + _KEY_BYTES]
        self._positions: dict[FigureKey, tuple[memoryview[float], int]] = {}
        self._stored: list[FigureKey] = []
        self._parsed_to = 0
        self._full = False

    def take(self) -> None:
        """To be called by the gateway whose area it is, before it counts: it counts on from its predecessor's figures.

        Gauges begin at zero.
        """
        for position, key in enumerate(self._stored_keys()):
            self._positions[key] = self._figures, position
            if key.is_gauge:
                self._figures[position] = 0.0
        self._header[_ALIVE] = 1

    def forget_gauges(self) -> None:
        """To be called when the gateway has ended: what it said of the present no longer holds."""
        self._header[_ALIVE] = 0

    def position(self, key: FigureKey) -> tuple[memoryview[float], int]:
        """Where a figure is: an array of doubles, and its index there."""
        found = self._positions.get(key)
        if found is None:
            found = self._positions[key] = self._added(key)
        return found

    def _added(self, key: FigureKey) -> tuple[memoryview[float], int]:
        count, end = self._header[_COUNT], self._header[_KEY_END]
        data = json.dumps(key).encode() + b"\n"
        if count == FIGURES or end + len(data) > _KEY_BYTES:
            if not self._full:
                log.warning("a gateway has more than %d figures: only its own metrics show the others", count)
            self._full = True
            return memoryview(array("d", [0.0])).cast("B").cast("d"), 0
        self._keys[end : end + len(data)] = data
        self._figures[count] = 0.0
        self._header[_KEY_END] = end + len(data)
        self._header[_COUNT] = count + 1  # last: what a reader finds below it is complete
        return self._figures, count

    def figures(self) -> Iterator[tuple[FigureKey, float]]:
        """All figures of this area, without the gauges of a gateway that has ended."""
        alive = bool(self._header[_ALIVE])
        for position, key in enumerate(self._stored_keys()):
            if alive or not key.is_gauge:
                yield key, self._figures[position]

    def unshared(self) -> Iterator[tuple[FigureKey, float]]:
        """Figures for which the area has no room."""
        for key, (numbers, position) in list(self._positions.items()):
            if numbers is not self._figures:
                yield key, numbers[position]

    def _stored_keys(self) -> list[FigureKey]:
        """Keys of the figures that are there. They only become more, so each is parsed once."""
        # The number first: whatever is added meanwhile lies after it.
        count, end = self._header[_COUNT], self._header[_KEY_END]
        if count > len(self._stored):
            lines = bytes(self._keys[self._parsed_to : end]).splitlines(keepends=True)[: count - len(self._stored)]
            self._stored += map(_key, lines)
            self._parsed_to += sum(map(len, lines))
        return self._stored


def _key(line: bytes) -> FigureKey:
    kind, metric, sample, labels = json.loads(line)
    return FigureKey(kind, metric, sample, tuple((name, value) for name, value in labels))


def joined(figures: Iterable[tuple[FigureKey, float]], descriptions: Mapping[str, str]) -> list[Metric]:
    """The metrics of all gateways: counts and ``livesum`` gauges added up, of other gauges the highest value.

    Args:
        figures: Of all gateways.
        descriptions: By the metrics' names.
    """
    totals: dict[FigureKey, float] = {}
    for key, value in figures:
        before = totals.get(key, value if key.kind == "livemax" else 0.0)
        totals[key] = max(before, value) if key.kind == "livemax" else before + value
    metrics: dict[str, Metric] = {}
    for key, value in _cumulated(totals).items():
        kind = "gauge" if key.is_gauge else key.kind
        metric = metrics.setdefault(key.metric, Metric(key.metric, descriptions.get(key.metric, ""), kind))
        metric.add_sample(key.sample, dict(key.labels), value)
    return list(metrics.values())


def _cumulated(totals: Mapping[FigureKey, float]) -> dict[FigureKey, float]:
    """Histograms as Prometheus reads them: a bucket counts those below it as well, and the last one is the count."""
    found: dict[FigureKey, float] = {}
    counted: dict[FigureKey, float] = defaultdict(float)
    for key, value in sorted(totals.items(), key=lambda item: _bucket_edge(item[0])):
        if key.sample.endswith("_bucket") and key.kind == "histogram":
            labels = tuple(label for label in key.labels if label[0] != "le")
            count = key._replace(sample=f"{key.metric}_count", labels=labels)
            counted[count] += value
            found[key] = counted[count]
        else:
            found[key] = value
    return {**found, **counted}


def _bucket_edge(key: FigureKey) -> float:
    return float(dict(key.labels).get("le", "-inf")) if key.kind == "histogram" else -math.inf


def shared_value_class(area: MetricArea) -> type:
    """A class for `prometheus_client.values.ValueClass` whose values lie in `area`."""

    class SharedValue:
        """One figure; the methods are those that metrics call."""

        _multiprocess = True

        def __init__(
            self,
            kind: str,
            metric: str,
            sample: str,
            names: tuple[str, ...],
            labels: tuple[str, ...],
            _: str,
            multiprocess_mode: str = "",
        ) -> None:
            pairs = tuple(sorted(zip(names, labels, strict=True)))
            self._numbers, self._at = area.position(FigureKey(multiprocess_mode or kind, metric, sample, pairs))
            self._lock = Lock()

        def inc(self, amount: float) -> None:
            with self._lock:
                self._numbers[self._at] += amount

        def set(self, value: float, **_: Any) -> None:
            self._numbers[self._at] = value

        def get(self) -> float:
            return self._numbers[self._at]

        def set_exemplar(self, exemplar: Any) -> None:
            """No metric of this server has exemplars."""

        def get_exemplar(self) -> None:
            """See `set_exemplar`."""

    return SharedValue
