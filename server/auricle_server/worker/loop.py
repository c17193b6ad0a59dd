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
from auricle_server.link.base import WorkerLink
from auricle_server.link.columns import BadColumns, ResultColumns
from auricle_server.link.intake import HandOver, Intake
from auricle_server.link.messages import (
    ChangeRefused,
    ChangeStream,
    CloseStream,
    FlushStream,
    FromWorker,
    GatewayItem,
    ModelInfo,
    OpenStream,
    StreamFailed,
    StreamOpened,
    ToWorker,
    WorkerItem,
)
from auricle_server.worker.admission import Admission
from auricle_server.worker.tenants import Owner, Tenants
from auricle_server.worker.workload import Workload

if TYPE_CHECKING:
    from auricle_server.engine import Engine, StepResults

log = logging.getLogger(__name__)

STATS_SECONDS = 1.0
GATEWAY_SILENCE_SECONDS = 5.0
"""Gateways say something every second; one that has been silent for this long is gone, and its streams with it."""
_POLL_SECONDS = 0.1
_MOST_FAILED_STEPS = 3
_NO_TIME = "the worker has no time for another stream of this latency; try again, or ask for a longer one"


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
        link: WorkerLink,
        info: ModelInfo,
        admission: Admission | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._link = link
        self._info = info
        self._clock = clock
        self._admission = admission or Admission(info.latencies_ms, max_load=0.0)
        self._workload = Workload(info, clock())
        self._tenants = Tenants(info.slots)
        self._intake = Intake()
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
                self._close(owner)
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
        self._step()
        if self._clock() >= self._stats_due:
            self._housekeep()
        self._publish()
        self._workload.pause(self._clock())

    # --- from the gateways -------------------------------------------------------------------------------------------

    def _take(self, gateway: bytes, message: ToWorker) -> None:
        if gateway not in self._seen:
            self._items[gateway].append(self._info)
            log.info("gateway joined gateway=%s", gateway.hex())
        self._seen[gateway] = self._clock()
        for segment in message.segments:
            try:
                self._intake.add(gateway, segment)
            except BadColumns:
                log.exception("a gateway sent columns that do not fit gateway=%s", gateway.hex())

    def _feed(self, hand_over: HandOver) -> None:
        """Audio of all streams at once, then what comes behind it."""
        audio = self._tenants.audio(hand_over)
        if len(audio.slots):
            try:
                self._engine.push_batch(audio)
            except Exception as error:  # noqa: BLE001 - nobody knows whose audio was taken: see the module
                self._on_failed_step(error)
        for gateway, item in hand_over.items:
            try:
                self._apply((gateway, item.stream), item)
            except Exception as error:  # noqa: BLE001 - see the module: one stream's trouble stays its own
                self._fail((gateway, item.stream), error)

    def _apply(self, owner: Owner, item: GatewayItem) -> None:
        if isinstance(item, OpenStream):
            self._open(owner, item)
            return
        tenant = self._tenants.get(owner)
        if tenant is None:
            return  # it has failed or ended while this was on its way
        match item:
            case FlushStream():
                self._engine.flush(tenant.lease, item.mark, last=item.last)
                if item.last:
                    self._tenants.hush(owner)
            case ChangeStream():
                self._change(owner, item)
            case CloseStream():
                self._close(owner)

    def _open(self, owner: Owner, item: OpenStream) -> None:
        if not self._admission.fits(item.latency_ms):
            self._items[owner[0]].append(StreamFailed(item.stream, codes.SERVER_FULL, _NO_TIME))
            return
        lease = self._engine.open(item.latency_ms, item.language)
        self._admission.add(item.latency_ms)
        ticket = self._tenants.add(owner, lease, item.latency_ms)
        self._items[owner[0]].append(StreamOpened(item.stream, lease.slot, ticket))

    def _change(self, owner: Owner, item: ChangeStream) -> None:
        tenant = self._tenants.get(owner)
        assert tenant is not None, "looked up before"
        latency_ms = item.latency_ms or tenant.latency_ms
        if latency_ms != tenant.latency_ms and not self._admission.fits(latency_ms, instead_of=tenant.latency_ms):
            if item.starting:
                self._close(owner)
                self._items[owner[0]].append(StreamFailed(item.stream, codes.SERVER_FULL, _NO_TIME))
                return
            self._items[owner[0]].append(ChangeRefused(item.stream, _NO_TIME))
            latency_ms = tenant.latency_ms
        self._engine.change(tenant.lease, latency_ms=latency_ms, language=item.language)
        self._admission.remove(tenant.latency_ms)
        self._admission.add(latency_ms)
        tenant.latency_ms = latency_ms

    def _close(self, owner: Owner) -> None:
        tenant = self._tenants.remove(owner)
        if tenant is not None:
            self._admission.remove(tenant.latency_ms)
            self._engine.close(tenant.lease)

    def _fail(self, owner: Owner, error: Exception) -> None:
        """Drops one stream and says why."""
        from auricle_server.engine import NoSlot

        gateway, stream = owner
        if isinstance(error, NoSlot):
            self._items[gateway].append(StreamFailed(stream, codes.SERVER_FULL, "every slot is taken; try again"))
            return
        log.error("stream failed gateway=%s stream=%d", gateway.hex(), stream, exc_info=error)
        self._items[gateway].append(StreamFailed(stream, codes.INTERNAL, "the worker could not process the stream"))
        try:
            self._close(owner)
        except Exception:
            log.exception("lease could not be closed gateway=%s stream=%d", gateway.hex(), stream)

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
            tenant = self._tenants.remove(owner)
            assert tenant is not None, "looked up by its slot"
            self._admission.remove(tenant.latency_ms)
        if results.computed:
            step = results.chunk_frames, results.computed, results.seconds
            self._admission.observe(self._workload.stepped(*step, self._clock()))

    def _on_failed_step(self, error: Exception) -> None:
        self._failed_steps += 1
        log.error("engine step failed streams=%d", len(self._tenants), exc_info=error)
        for owner in self._tenants:
            self._close(owner)
            gateway, stream = owner
            self._items[gateway].append(StreamFailed(stream, codes.WORKER_LOST, "the engine failed; please replay"))
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
        stats = self._workload.report(self._admission, len(self._tenants), now)
        told = max(self._seen, key=self._seen.__getitem__, default=None)  # one that lives: see `WorkerStats.steps`
        for gateway in self._seen:
            self._items[gateway].append(stats if gateway == told else structs.replace(stats, steps=()))

    def _forget(self, gateway: bytes) -> None:
        owners = self._tenants.of_gateway(gateway)
        log.warning("gateway lost gateway=%s streams=%d", gateway.hex(), len(owners))
        for owner in owners:
            self._close(owner)
        del self._seen[gateway]
        self._items.pop(gateway, None)
        self._results.pop(gateway, None)

    def _publish(self) -> None:
        items, self._items = self._items, defaultdict(list)
        results, self._results = self._results, {}
        for gateway in items.keys() | results.keys():
            self._link.send(gateway, FromWorker(tuple(items.get(gateway, ())), results.get(gateway)))
