"""The run of an archive: lists, hands batches to the workers, and adds what they return to the output."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auricle_server.archives.archive_format import Table
from auricle_server.archives.batches import pack
from auricle_server.archives.errors import ArchiveError, UnusableModel
from auricle_server.archives.inputs.listing import Listing, list_archive
from auricle_server.archives.local_ray import (
    answers,
    check_room,
    default_workers,
    first_line,
    ray_cluster,
    worker_resources,
)
from auricle_server.archives.options import ArchiveOptions
from auricle_server.archives.progress import ArchiveProgress
from auricle_server.archives.tables.output import ArchiveOutput
from auricle_server.archives.tables.storage import open_storage

if TYPE_CHECKING:
    import pyarrow as pa

PART_ROWS = 10_000
PART_CHARACTERS = 64 << 20
"""When a part is written, beside `ArchiveOptions.part_seconds`."""
_TICK_SECONDS = 0.25
_ANSWERS_WAITING = 8
"""Answers that wait for the disk. Beyond them Ray Data holds back, and then starts no more batches."""


@dataclass(slots=True)
class Observer:
    """Who watches a run.

    Attributes:
        listed: Is shown what is there, before the workers start.
        moved: Is shown how far it is, at least four times a second, and how many seconds it has worked.
        working: Is called when Ray has started, with the number of workers in words.
        stop: Set to end the run at the next moment that leaves the output whole.
    """

    listed: Callable[[Listing], None]
    moved: Callable[[ArchiveProgress, float], None]
    working: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class ArchiveResult:
    """How a run ended.

    Attributes:
        progress: What it did.
        failures: Files in the table of failures.
        stopped: Whether it was stopped before all was done.
    """

    progress: ArchiveProgress
    failures: int
    stopped: bool


def plan_archive(options: ArchiveOptions) -> Listing:
    """What a run would do. Writes nothing.

    Raises:
        ArchiveError: The inputs or the output cannot be used.
    """
    output = _output(options)
    output.require_settings(options.decides_words, write=False)
    return _listing(options, output)


def run_archive(options: ArchiveOptions, observer: Observer) -> ArchiveResult:
    """Transcribes all files that have no transcript yet, and adds them to the output.

    Raises:
        ArchiveError: The inputs, the output, the model or Ray cannot be used. What was added before stays.
    """
    storage = open_storage(options.out)
    storage.claim()
    try:
        output = ArchiveOutput(storage, options.out, options.kind)
        output.require_settings(options.decides_words)
        listing = _listing(options, output)
        observer.listed(listing)
        progress = ArchiveProgress(len(listing.files), sum(file.size or 0 for file in listing.files))
        if listing.files and not observer.stop.is_set():
            _work(options, listing, output, progress, observer)
        stopped = progress.ended < progress.files
        return ArchiveResult(progress, output.tidy_failures(), stopped)
    finally:
        storage.release()


def _output(options: ArchiveOptions) -> ArchiveOutput:
    return ArchiveOutput(open_storage(options.out), options.out, options.kind)


def _listing(options: ArchiveOptions, output: ArchiveOutput) -> Listing:
    done = output.done()
    failed = set[str]() if options.retry_failed else output.failed(done)
    return list_archive(options.inputs, options.defaults, done, failed)


def _work(
    options: ArchiveOptions, listing: Listing, output: ArchiveOutput, progress: ArchiveProgress, observer: Observer
) -> None:
    least_cpus = (options.workers or 1) * (options.worker.threads or 1)
    with ray_cluster(options.address, least_cpus):
        resources = worker_resources(options.worker)
        workers = min(options.workers or default_workers(resources), len(listing.files))
        observer.working(check_room(workers, resources, local=options.address is None))
        batches = list(pack(listing.files, workers))
        began = time.monotonic()
        parts = PartWriter(output, options.part_seconds, began)
        try:
            for table in _Arrivals(answers(batches, options, workers, resources)).until(observer.stop):
                if table is not None:
                    parts.take(table, progress)
                parts.write_if_due(time.monotonic())
                observer.moved(progress, time.monotonic() - began)
        finally:
            # Also after Ctrl-C, or when Ray has gone: what the workers have returned is good.
            parts.write(time.monotonic())


class PartWriter:
    """Collects rows, and writes them as parts.

    Args:
        output: Where.
        seconds: Between two parts, at most.
        now: Seconds of any clock.
    """

    def __init__(self, output: ArchiveOutput, seconds: float, now: float) -> None:
        self._output = output
        self._seconds = seconds
        self._waiting: dict[Table, list[str]] = {table: [] for table in Table}
        self._characters = 0
        self._written = now

    def take(self, answers: pa.Table, progress: ArchiveProgress) -> None:
        """Takes what a worker returned for a batch, and counts it.

        Raises:
            UnusableModel: The worker cannot load the model.
        """
        for answer in answers.to_pylist():
            if answer["unusable"] is not None:
                raise UnusableModel(answer["unusable"])
            if answer["failure"] is not None:
                self._waiting[Table.FAILURES].append(answer["failure"])
                progress.failed += 1
            else:
                self._waiting[Table.TRANSCRIPTS] += answer["transcripts"]
                self._characters += sum(map(len, answer["transcripts"]))
                progress.transcribed += 1
                progress.damaged += any(json.loads(line)["damage"] is not None for line in answer["transcripts"])
                progress.audio_seconds += answer["seconds"]
            progress.bytes_done += answer["bytes"]
            progress.again += answer["again"] > 0

    def write_if_due(self, now: float) -> None:
        """Writes a part when there is enough for one, or the last one is old enough."""
        rows = sum(map(len, self._waiting.values()))
        if rows >= PART_ROWS or self._characters >= PART_CHARACTERS or now - self._written >= self._seconds:
            self.write(now)

    def write(self, now: float) -> None:
        """Writes what waits.

        Raises:
            ArchiveError: It cannot be written.
        """
        for table, lines in self._waiting.items():
            self._output.add(table, lines)
            self._waiting[table] = []
        self._characters, self._written = 0, now


class _Arrivals:
    """The tables of an iterator that waits without a limit: on a thread, so that a signal is answered at once.

    Args:
        tables: The iterator.
    """

    def __init__(self, tables: Iterator[pa.Table]) -> None:
        self._tables = tables
        self._arrived: queue.Queue[pa.Table | BaseException | None] = queue.Queue(_ANSWERS_WAITING)
        self._gone = threading.Event()

    def until(self, stop: threading.Event) -> Iterator[pa.Table | None]:
        """The tables as they come, and None four times a second.

        Raises:
            ArchiveError: Ray has failed.
        """
        threading.Thread(target=self._read, name="auricle-archive-answers", daemon=True).start()
        try:
            while not stop.is_set():
                item = self._next()
                if item is self:
                    return
                yield item
        finally:
            self._gone.set()

    def _next(self) -> Any:
        """A table, None after a while without one, or this object after the last."""
        try:
            item = self._arrived.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            return None
        if isinstance(item, BaseException):
            raise ArchiveError(
                f"Ray has failed ({type(item).__name__}: {first_line(item)}); run the same command again to go on"
            ) from item
        return self if item is None else item

    def _read(self) -> None:
        last: BaseException | None = None
        try:
            for table in self._tables:
                self._put(table)
                if self._gone.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  # raised to who waits
            last = error
        self._put(last)

    def _put(self, item: pa.Table | BaseException | None) -> None:
        while not self._gone.is_set():
            with suppress(queue.Full):
                self._arrived.put(item, timeout=_TICK_SECONDS)
                return
