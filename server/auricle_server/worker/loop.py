"""The process that owns an accelerator: drain the link, feed the engine, step, publish.

Nothing that one stream sends may end it: what goes wrong for one stream is that stream's failure. What goes wrong in a
step is everybody's: the state of all rows is then in doubt, so every stream is told `worker_lost`, upon which clients
replay; and when steps go on failing, the process gives up and its supervisor starts a new one.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from msgspec import structs

from auricle.protocol import codes
from auricle_server.ipc.batch_reader import BatchReader, StreamBatch
from auricle_server.ipc.channel import WorkerChannel
from auricle_server.ipc.columns import BadColumns, ResultColumns
from auricle_server.ipc.messages import (
    SAMPLE_RATE,
    FromWorker,
    SecondPassChanged,
    StreamFailure,
    ToWorker,
    WorkerItem,
    WorkerReady,
)
from auricle_server.model_info import ModelInfo
from auricle_server.worker.admission import Admission
from auricle_server.worker.load_stats import LoadStats
from auricle_server.worker.stream_admin import StreamAdmin
from auricle_server.worker.stream_table import StreamTable

if TYPE_CHECKING:
    from auricle_server.engine import Engine, StepResults

log = logging.getLogger(__name__)

STATS_SECONDS = 1.0
GATEWAY_SILENCE_SECONDS = 5.0
"""Gateways say something every second; one that has been silent for this long is gone, and its streams with it."""
_POLL_SECONDS = 0.1
_MOST_FAILED_STEPS = 3


class WorkerBroken(Exception):
    """Steps keep failing: a fresh process is needed."""


class Worker:
    """One engine and the streams of all gateways that use it.

    Args:
        engine: Warmed up.
        link: The worker's end.
        info: What gateways are told of the model.
        admission: Says whether there is time for a stream; by default there always is.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        engine: Engine,
        link: WorkerChannel,
        info: ModelInfo,
        admission: Admission | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._link = link
        self._info = info
        self._clock = clock
        self._admission = admission or Admission(info.latencies_ms, max_load=0.0)
        self._workload = LoadStats(info, clock())
        self._tenants = StreamTable(info.slots, round(info.frame_seconds * SAMPLE_RATE))
        self._reception = StreamAdmin(engine, self._tenants, self._admission, self._tell)
        self._lanes_changed = False
        self._intake = BatchReader()
        self._items: defaultdict[bytes, list[WorkerItem]] = defaultdict(list)
        self._results: dict[bytes, ResultColumns] = {}
        self._seen: dict[bytes, float] = {}
        self._failed_steps = 0
        self._stats_due = 0.0

    def run(self, stop: Event) -> None:
        """Works until `stop` is set.

        Raises:
            WorkerBroken: The engine has failed several steps in a row.
        """
        try:
            while not stop.is_set():
                wait = self._engine.wait
                self.tick(_POLL_SECONDS if wait is None else min(wait, _POLL_SECONDS))
        finally:
            for owner in self._tenants:
                self._reception.close(owner)
            self._link.close()

    def tick(self, timeout: float) -> None:
        """Drains the link, waiting up to `timeout` seconds for the first message, steps once and publishes."""
        asked = self._clock()
        messages = self._link.receive(timeout)
        self._workload.resume(self._clock() if timeout else asked)
        for gateway, message in messages:
            self._take(gateway, message)
        for hand_over in self._intake.take():
            self._feed(hand_over)
        if self._lanes_changed:
            self._publish()  # before any result of a lane that has just been opened
        self._step()
        if self._clock() >= self._stats_due:
            self._housekeep()
        self._publish()
        self._workload.pause(self._clock())

    # --- from the gateways -------------------------------------------------------------------------------------------

    def _take(self, gateway: bytes, message: ToWorker) -> None:
        if gateway not in self._seen:
            self._items[gateway].append(WorkerReady(self._info))
            log.info("gateway joined gateway=%s", gateway.hex())
        self._seen[gateway] = self._clock()
        for part in message.parts:
            try:
                self._intake.add(gateway, part)
            except BadColumns:
                log.exception("a gateway sent columns that do not fit gateway=%s", gateway.hex())

    def _feed(self, hand_over: StreamBatch) -> None:
        """Audio of all streams at once, then what comes behind it."""
        audio = self._tenants.audio(hand_over.audio)
        if len(audio.slots):
            try:
                self._engine.push_batch(audio)
            except Exception as error:  # noqa: BLE001 - nobody knows whose audio was taken: see the module
                self._on_failed_step(error)
        for gateway, item in hand_over.items:
            try:
                self._reception.apply((gateway, item.stream), item)
            except Exception as error:  # noqa: BLE001 - see the module: one stream's trouble stays its own
                self._reception.fail((gateway, item.stream), error)

    def _tell(self, gateway: bytes, item: WorkerItem) -> None:
        self._items[gateway].append(item)
        self._lanes_changed |= isinstance(item, SecondPassChanged)

    # --- the engine --------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        if self._engine.wait != 0.0:
            return
        try:
            results = self._engine.step()
        except Exception as error:  # noqa: BLE001 - see the module
            self._on_failed_step(error)
            return
        self._failed_steps = 0
        self._collect(results)

    def _collect(self, results: StepResults) -> None:
        self._results.update(self._tenants.by_gateway(results))
        for owner in self._tenants.ended(results):
            self._reception.leave(owner)
        if results.computed:
            step = results.chunk_frames, results.computed, results.seconds
            measured = self._workload.stepped(*step, self._clock())
            if measured is not None:
                self._admission.observe(measured)

    def _on_failed_step(self, error: Exception) -> None:
        self._failed_steps += 1
        log.error("engine step failed streams=%d", len(self._tenants), exc_info=error)
        for owner in self._tenants:
            self._reception.close(owner)
            gateway, stream = owner
            self._items[gateway].append(StreamFailure(stream, codes.WORKER_LOST, "the engine failed; please replay"))
        if self._failed_steps >= _MOST_FAILED_STEPS:
            self._publish()
            raise WorkerBroken(f"{self._failed_steps} engine steps failed in a row") from error

    # --- to the gateways ---------------------------------------------------------------------------------------------

    def _housekeep(self) -> None:
        """Once a second: forgets gateways that have gone, and tells the others how the worker does."""
        now = self._clock()
        self._stats_due = now + STATS_SECONDS
        for gateway in [g for g, seen in self._seen.items() if now - seen > GATEWAY_SILENCE_SECONDS]:
            self._forget(gateway)
        self._reception.lanes.housekeep()
        stats = self._workload.report(self._admission, self._reception.slots_used, now)
        told = max(self._seen, key=self._seen.__getitem__, default=None)  # one that lives: see `WorkerStats.steps`
        for gateway in self._seen:
            self._items[gateway].append(stats if gateway == told else structs.replace(stats, steps=()))

    def _forget(self, gateway: bytes) -> None:
        owners = self._tenants.of_gateway(gateway)
        log.warning("gateway lost gateway=%s streams=%d", gateway.hex(), len(owners))
        for owner in owners:
            self._reception.close(owner)
        del self._seen[gateway]
        self._items.pop(gateway, None)
        self._results.pop(gateway, None)

    def _publish(self) -> None:
        self._lanes_changed = False
        items, self._items = self._items, defaultdict(list)
        results, self._results = self._results, {}
        for gateway in items.keys() | results.keys():
            self._link.send(gateway, FromWorker(tuple(items.get(gateway, ())), results.get(gateway)))
