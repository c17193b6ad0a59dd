"""Memory for figures: what one process writes another reads, and nothing can shorten or fill it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest, values
from prometheus_client.registry import Collector

from auricle_server.telemetry.shared_metrics import (
    FIGURES,
    FigureKey,
    MetricMemory,
    joined,
    metric_memory,
    shared_value_class,
)


@pytest.fixture
def memory() -> Iterator[MetricMemory]:
    """Of two gateways."""
    made = metric_memory(2)
    assert made is not None
    yield made
    made.close()


def key(sample: str, kind: str = "counter", **labels: str) -> FigureKey:
    return FigureKey(kind, "m", sample, tuple(labels.items()))


def test_an_area_is_read_where_another_writes(memory: MetricMemory) -> None:
    writer = memory.area(1)
    writer.take()
    numbers, at = writer.position(key("m_total", code='a "quoted"\nname'))
    numbers[at] += 2.5
    assert list(memory.area(1).figures()) == [(key("m_total", code='a "quoted"\nname'), 2.5)]
    assert list(memory.area(0).figures()) == []
    reader, seen = memory.area(1), []
    for number in range(3):  # one that has read already reads on
        writer.position(key("m_total", code=str(number)))
        seen.append(len(list(reader.figures())))
        assert list(reader.figures()) == list(memory.area(1).figures())
    assert seen == [2, 3, 4]


def test_the_gauges_of_a_gateway_end_with_it_and_its_counts_go_on(memory: MetricMemory) -> None:
    first = memory.area(0)
    first.take()
    for each in (key("m_total"), key("m", "livemax")):
        numbers, at = first.position(each)
        numbers[at] = 7.0
    memory.area(0).forget_gauges()
    assert dict(memory.area(0).figures()) == {key("m_total"): 7.0}
    successor = memory.area(0)
    successor.take()
    assert dict(successor.figures()) == {key("m_total"): 7.0, key("m", "livemax"): 0.0}


def test_figures_beyond_the_room_are_counted_alone_and_said_once(
    memory: MetricMemory, caplog: pytest.LogCaptureFixture
) -> None:
    area, value = memory.area(0), shared_value_class(memory.area(0))
    area.take()
    with caplog.at_level(logging.WARNING):
        for number in range(FIGURES + 3):
            numbers, at = area.position(key("m_total", code=str(number)))
            numbers[at] += number
        for _ in range(2):
            value("counter", "m", "m_total", ("code",), ("long" * 200_000,), "").inc(1)
    assert len(list(area.figures())) == FIGURES
    assert [figure for _, figure in area.unshared()] == [FIGURES, FIGURES + 1, FIGURES + 2]
    assert caplog.text.count("more than") == 2  # once for each object that had no room
    assert len(list(memory.area(1).figures())) == 0


def test_the_memory_can_be_neither_shortened_nor_lengthened(memory: MetricMemory) -> None:
    size = os.fstat(memory.descriptor).st_size
    for other in (0, 2 * size):
        with pytest.raises(PermissionError):
            os.ftruncate(memory.descriptor, other)
    assert os.fstat(memory.descriptor).st_blocks * 512 >= size  # its pages are there: no write waits for one


def test_histograms_are_what_one_process_would_show(memory: MetricMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = CollectorRegistry()
    plain = Histogram("m", "Seconds.", ["size"], buckets=(0.1, 1, 10), registry=alone)
    gateways = []
    for number in range(2):
        memory.area(number).take()
        monkeypatch.setattr(values, "ValueClass", shared_value_class(memory.area(number)))
        gateways.append(Histogram("m", "Seconds.", ["size"], buckets=(0.1, 1, 10), registry=CollectorRegistry()))
    for number, seconds in enumerate((0.05, 0.5, 5.0, 50.0, 0.5, 0.1)):
        for histogram in (plain, gateways[number % 2]):
            histogram.labels("80" if number < 4 else "160").observe(seconds)

    class Both(Collector):
        def collect(self) -> list[Metric]:
            figures = [figure for area in memory.areas() for figure in area.figures()]
            return joined(figures, {"m": "Seconds."})

    shared = CollectorRegistry()
    shared.register(Both())
    assert samples(shared) == samples(alone)


def samples(registry: CollectorRegistry) -> set[str]:
    return {line for line in generate_latest(registry).decode().splitlines() if "_created" not in line}


def memory_files() -> set[int]:
    """The files of such memory that this process has open; others close theirs meanwhile, when they are collected."""
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            if "memfd:" in str(each.readlink()):
                found.add(each.stat().st_ino)
    return found


@pytest.mark.parametrize("missing", ["memfd_create", "posix_fallocate"])
def test_a_system_without_such_memory_is_told_of_and_served(
    missing: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, missing, refuse)
    before = memory_files()
    assert metric_memory(2) is None
    assert "each gateway shows its own metrics only" in caplog.text
    assert "No space left" in caplog.text
    assert memory_files() <= before
