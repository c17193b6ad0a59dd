"""The process that owns an accelerator: receive, feed the engine, step, publish.

Nothing that one stream sends may end it: an error of one stream fails that stream. An error of a step concerns all
streams, because the state of all rows is then in doubt: every stream fails with `worker_lost`, upon which clients send
their audio again; and when steps keep failing, the process gives up and its supervisor starts a new one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from msgspec import structs

from auricle.protocol import codes
from auricle_server.ipc.batch_reader import BatchReader, StreamBatch
from auricle_server.ipc.channel import WorkerChannel
from auricle_server.ipc.columns import BadColumns
from auricle_server.ipc.messages import SAMPLE_RATE, StreamFailure, ToWorker, WorkerReady
from auricle_server.model_info import ModelInfo
from auricle_server.worker.admission import Admission
from auricle_server.worker.gateway_messages import GatewayMessages
from auricle_server.worker.load_stats import LoadStats
from auricle_server.worker.stream_admin import StreamAdmin
from auricle_server.worker.stream_table import StreamTable

if TYPE_CHECKING:
    from auricle_server.engine import Engine, StepResults

log = logging.getLogger(__name__)

STATS_SECONDS = 1.0
GATEWAY_SILENCE_SECONDS = 5.0
"""Gateways send something every second. One that was silent for this long is gone, and its streams are dropped."""
_POLL_SECONDS = 0.1
"""Longest wait for messages, after which the worker looks whether it is to stop and whether statistics are due."""
RETIRED_SECONDS = 1.0
"""How long a worker whose place another one has taken stays without a stream: a gateway may just be asking it for a
slot."""
_MOST_FAILED_STEPS = 3


class WorkerBroken(Exception):
    """Steps keep failing: a fresh process is needed."""


class Worker:
    """One engine and the streams of all gateways that use it.

    Args:
        engine: Warmed up.
        channel: The worker's end.
        info: Describes the model to gateways.
        admission: Says whether there is time for a stream; by default there always is.
        clock: Monotonic seconds.
        generation: As for `WorkerReady`.
    """

    def __init__(
        self,
        engine: Engine,
        channel: WorkerChannel,
        info: ModelInfo,
        admission: Admission | None = None,
        clock: Callable[[], float] = time.monotonic,
        generation: int = 0,
    ) -> None:
        self._generation = generation
        self._engine = engine
        self._channel = channel
        self._info = info
        self._clock = clock
        self._admission = admission or Admission(info.latencies_ms, max_load=0.0)
        self._load_stats = LoadStats(info, clock())
        self._messages = GatewayMessages(channel)
        self._table = StreamTable(info.slots, round(info.frame_seconds * SAMPLE_RATE))
        self._admin = StreamAdmin(engine, self._table, self._admission, self._messages)
        self._reader = BatchReader()
        self._last_seen: dict[bytes, float] = {}
        """When each gateway last sent something."""
        self._failed_steps = 0
        self._retired = False
        self._last_used = 0.0
        self._stats_due = 0.0
        self._warm = False

    def run(self, stop: Event, beat: Callable[[], None] = lambda: None) -> None:
        """Works until `stop` is set, or until a worker that was retired has no streams.

        Args:
            stop: Ends the work.
            beat: Called between two ticks: a worker that hangs does not call it.

        Raises:
            WorkerBroken: The engine has failed several steps in a row.
        """
        try:
            while not (stop.is_set() or self._has_retired()):
                wait = self._engine.wait
                self.tick(_POLL_SECONDS if wait is None else min(wait, _POLL_SECONDS))
                beat()
        finally:
            for key in self._table:
                self._admin.close(key)
            self._channel.close()

    @property
    def gateways(self) -> int:
        """Gateways that know this worker."""
        return len(self._last_seen)

    def retire(self) -> None:
        """Lets `run` end when the last stream has ended. To be called on the thread of `run`, or by a signal there."""
        self._retired = True

    def _has_retired(self) -> bool:
        if not self._retired or len(self._table):
            self._last_used = self._clock()
            return False
        return self._clock() - self._last_used > RETIRED_SECONDS

    def tick(self, timeout: float) -> None:
        """Receives, waiting up to `timeout` seconds for the first message, steps once and publishes."""
        asked = self._clock()
        messages = self._channel.receive(timeout)
        # Without a timeout nothing was waited for, and receiving was work.
        self._load_stats.resume(self._clock() if timeout else asked)
        for gateway, message in messages:
            self._receive(gateway, message)
        for batch in self._reader.take():
            self._feed(batch)
        self._messages.publish_second_passes()
        self._step()
        if outcomes := self._engine.terms.outcomes():
            self._admin.report_key_terms(outcomes)
        if self._clock() >= self._stats_due:
            self._housekeep()
        self._messages.publish()
        self._load_stats.pause(self._clock())

    # --- input -------------------------------------------------------------------------------------------------------

    def _receive(self, gateway: bytes, message: ToWorker) -> None:
        if gateway not in self._last_seen:
            self._messages.add(gateway, WorkerReady(self._info, self._generation))
            log.info("gateway joined gateway=%s", gateway.hex())
        self._last_seen[gateway] = self._clock()
        for part in message.parts:
            try:
                self._reader.add(gateway, part)
            except BadColumns:
                log.exception("a gateway sent columns that do not fit gateway=%s", gateway.hex())

    def _feed(self, batch: StreamBatch) -> None:
        """Passes on the audio of all streams at once, then executes the requests that follow it."""
        audio = self._table.route_audio(batch.audio)
        if len(audio.slots):
            try:
                self._engine.push_batch(audio)
            except Exception as error:  # noqa: BLE001 - whose audio was taken is unknown: see the module
                self._fail_step(error)
        for gateway, item in batch.items:
            key = gateway, item.stream
            try:
                self._admin.apply(key, item)
            except Exception as error:  # noqa: BLE001 - fails one stream: see the module
                self._admin.fail(key, error)

    # --- the engine --------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        if self._engine.wait != 0.0:
            self._warm_up()
            return
        try:
            results = self._engine.step()
        except Exception as error:  # noqa: BLE001 - fails all streams: see the module
            self._fail_step(error)
            return
        self._failed_steps = 0
        self._handle_results(results)

    def _warm_up(self) -> None:
        """Goes on with what the start left, a tenth of a second's work at a time, while there is no stream to delay."""
        if self._warm or self._engine.slots_used or self._engine.ready:
            return
        try:
            self._warm = self._engine.warm_up(0.0)
        except Exception:
            log.exception("warming up failed; streams are served without what is missing")
            self._warm = True

    def _handle_results(self, results: StepResults) -> None:
        self._messages.add_results(self._table.by_gateway(results))
        for key in self._table.finished(results):
            self._admin.remove(key)
        if results.computed:
            step = results.chunk_frames, results.computed, results.seconds
            timing = self._load_stats.add_step(*step, self._clock())
            if timing is not None:
                self._admission.observe(timing)

    def _fail_step(self, error: Exception) -> None:
        self._failed_steps += 1
        log.error("engine step failed streams=%d", len(self._table), exc_info=error)
        for key in self._table:
            self._admin.close(key)
            gateway, stream = key
            self._messages.add(gateway, StreamFailure(stream, codes.WORKER_LOST, "the engine failed; please replay"))
        if self._failed_steps >= _MOST_FAILED_STEPS:
            self._messages.publish()
            raise WorkerBroken(f"{self._failed_steps} engine steps failed in a row") from error

    # --- once a second -----------------------------------------------------------------------------------------------

    def _housekeep(self) -> None:
        """Drops gateways that are gone, rebalances second passes, and sends statistics."""
        now = self._clock()
        if now - self._stats_due > GATEWAY_SILENCE_SECONDS - STATS_SECONDS:
            # This process stood still itself, on a machine that was suspended for example: nobody was silent for that.
            self._last_seen = dict.fromkeys(self._last_seen, now)
        self._stats_due = now + STATS_SECONDS
        for gateway in [g for g, seen in self._last_seen.items() if now - seen > GATEWAY_SILENCE_SECONDS]:
            self._drop_gateway(gateway)
        self._admin.second_passes.rebalance()
        stats = self._load_stats.report(self._admission, self._admin.slots_used, now, self._engine.restarts)
        # Steps go to one gateway alone, which surely lives: metrics count them once, see `WorkerStats.steps`.
        newest = max(self._last_seen, key=self._last_seen.__getitem__, default=None)
        for gateway in self._last_seen:
            self._messages.add(gateway, stats if gateway == newest else structs.replace(stats, steps=(), restarts=0))

    def _drop_gateway(self, gateway: bytes) -> None:
        keys = self._table.of_gateway(gateway)
        log.warning("gateway lost gateway=%s streams=%d", gateway.hex(), len(keys))
        for key in keys:
            self._admin.close(key)
        del self._last_seen[gateway]
        self._messages.drop(gateway)
