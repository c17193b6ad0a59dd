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

from auricle.protocol import codes
from auricle_server.config import ServerConfig
from auricle_server.link.base import WorkerLink
from auricle_server.link.messages import (
    Audio,
    ChangeStream,
    ChunkResult,
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
    WorkerStats,
)

if TYPE_CHECKING:
    from auricle_server.engine import Engine, Lease, RowResult

log = logging.getLogger(__name__)

STATS_SECONDS = 1.0
GATEWAY_SILENCE_SECONDS = 5.0
"""Gateways say something every second; one that has been silent for this long is gone, and its streams with it."""
_POLL_SECONDS = 0.1
_MOST_FAILED_STEPS = 3

Owner = tuple[bytes, int]
"""A gateway's identity and its number for the stream."""


class WorkerBroken(Exception):
    """Steps keep failing: a fresh process is needed."""


def model_info(engine: Engine, default_latency_ms: int | None = None) -> ModelInfo:
    """What gateways must know of an engine's model.

    Raises:
        ValueError: The model has no such latency.
    """
    info = engine.info
    if default_latency_ms is not None and default_latency_ms not in info.latencies_ms:
        offered = ", ".join(map(str, info.latencies_ms))
        raise ValueError(f"default_latency_ms: {info.name} offers {offered}, not {default_latency_ms}")
    return ModelInfo(
        name=info.name,
        pieces=info.pieces,
        latencies_ms=info.latencies_ms,
        default_latency_ms=default_latency_ms or info.default_latency_ms,
        languages=info.languages,
        default_language=info.default_language,
        frame_seconds=info.frame_seconds,
        slots=info.slots,
    )


class Worker:
    """One engine and the streams of all gateways that use it.

    Args:
        engine: Warmed up.
        link: The worker's end.
        info: What gateways are told of the model.
        clock: Monotonic seconds.
    """

    def __init__(
        self, engine: Engine, link: WorkerLink, info: ModelInfo, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._link = link
        self._info = info
        self._clock = clock
        self._leases: dict[Owner, Lease] = {}
        self._owners: dict[int, Owner] = {}
        self._outbox: defaultdict[bytes, list[WorkerItem]] = defaultdict(list)
        self._seen: dict[bytes, float] = {}
        self._steps = self._rows = self._failed_steps = 0
        self._step_seconds: list[float] = []
        self._batch_sizes: list[int] = []
        self._stats_due = 0.0

    def run(self, stop: Event) -> None:
        """Works until `stop` is set.

        Raises:
            WorkerBroken: The engine has failed several steps in a row.
        """
        try:
            while not stop.is_set():
                self.tick(0.0 if self._engine.ready else _POLL_SECONDS)
        finally:
            for owner in list(self._leases):
                self._close(owner)
            self._link.close()

    def tick(self, timeout: float) -> None:
        """Drains the link, waiting up to `timeout` seconds for the first message, steps once and publishes."""
        for gateway, message in self._link.receive(timeout):
            self._take(gateway, message)
        self._step()
        if self._clock() >= self._stats_due:
            self._housekeep()
        self._publish()

    # --- from the gateways -------------------------------------------------------------------------------------------

    def _take(self, gateway: bytes, message: ToWorker) -> None:
        if gateway not in self._seen:
            self._outbox[gateway].append(self._info)
            log.info("gateway joined gateway=%s", gateway.hex())
        self._seen[gateway] = self._clock()
        for item in message.items:
            try:
                self._apply(gateway, item)
            except Exception as error:  # noqa: BLE001 - see the module: one stream's trouble stays its own
                self._fail((gateway, item.stream), error)

    def _apply(self, gateway: bytes, item: GatewayItem) -> None:
        owner = (gateway, item.stream)
        if isinstance(item, OpenStream):
            self._open(owner, item)
            return
        lease = self._leases.get(owner)
        if lease is None:
            return  # it has failed or ended while this was on its way
        match item:
            case Audio():
                self._engine.push(lease, item.pcm)
            case FlushStream():
                self._engine.flush(lease, item.mark, last=item.last)
            case ChangeStream():
                self._engine.change(lease, latency_ms=item.latency_ms, language=item.language)
            case CloseStream():
                self._close(owner)

    def _open(self, owner: Owner, item: OpenStream) -> None:
        lease = self._engine.open(item.latency_ms, item.language)
        self._leases[owner] = lease
        self._owners[lease.id] = owner
        self._outbox[owner[0]].append(StreamOpened(item.stream))

    def _close(self, owner: Owner) -> None:
        lease = self._leases.pop(owner, None)
        if lease is not None:
            del self._owners[lease.id]
            self._engine.close(lease)

    def _fail(self, owner: Owner, error: Exception) -> None:
        """Drops one stream and says why."""
        from auricle_server.engine import NoSlot

        gateway, stream = owner
        if isinstance(error, NoSlot):
            self._outbox[gateway].append(StreamFailed(stream, codes.SERVER_FULL, "every slot is taken; try again"))
            return
        log.error("stream failed gateway=%s stream=%d", gateway.hex(), stream, exc_info=error)
        self._outbox[gateway].append(StreamFailed(stream, codes.INTERNAL, "the worker could not process the stream"))
        try:
            self._close(owner)
        except Exception:
            log.exception("lease could not be closed gateway=%s stream=%d", gateway.hex(), stream)

    # --- the engine --------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        if not self._engine.ready:
            return
        began = self._clock()
        try:
            results = self._engine.step()
        except Exception as error:  # noqa: BLE001 - see the module
            self._on_failed_step(error)
            return
        self._failed_steps = 0
        self._steps += 1
        self._rows += len(results)
        self._step_seconds.append(self._clock() - began)
        self._batch_sizes.append(len(results))
        for result in results:
            self._collect(result)

    def _collect(self, result: RowResult) -> None:
        owner = self._owners.get(result.lease.id)
        if owner is None:
            return
        gateway, stream = owner
        self._outbox[gateway].append(
            ChunkResult(stream, result.samples, result.tokens, result.frames, result.probabilities, result.mark)
        )
        if result.ended:
            del self._leases[owner], self._owners[result.lease.id]

    def _on_failed_step(self, error: Exception) -> None:
        self._failed_steps += 1
        log.error("engine step failed streams=%d", len(self._leases), exc_info=error)
        for gateway, stream in list(self._leases):
            self._close((gateway, stream))
            self._outbox[gateway].append(StreamFailed(stream, codes.WORKER_LOST, "the engine failed; please replay"))
        if self._failed_steps >= _MOST_FAILED_STEPS:
            self._publish()
            raise WorkerBroken(f"{self._failed_steps} engine steps failed in a row") from error

    # --- to the gateways ---------------------------------------------------------------------------------------------

    def _housekeep(self) -> None:
        """Once a second: forgets gateways that have gone, and tells the others how the engine does."""
        now = self._clock()
        self._stats_due = now + STATS_SECONDS
        for gateway in [g for g, seen in self._seen.items() if now - seen > GATEWAY_SILENCE_SECONDS]:
            self._forget(gateway)
        stats = WorkerStats(
            self._engine.slots_used, self._steps, self._rows, tuple(self._step_seconds), tuple(self._batch_sizes)
        )
        self._step_seconds, self._batch_sizes = [], []
        for gateway in self._seen:
            self._outbox[gateway].append(stats)

    def _forget(self, gateway: bytes) -> None:
        owners = [owner for owner in self._leases if owner[0] == gateway]
        log.warning("gateway lost gateway=%s streams=%d", gateway.hex(), len(owners))
        for owner in owners:
            self._close(owner)
        del self._seen[gateway]
        self._outbox.pop(gateway, None)

    def _publish(self) -> None:
        outbox, self._outbox = self._outbox, defaultdict(list)
        for gateway, items in outbox.items():
            self._link.send(gateway, FromWorker(tuple(items)))


def build_engine(config: ServerConfig, index: int = 0) -> Engine:
    """The engine that a configuration describes, warmed up.

    Args:
        config: Of the server.
        index: Number of the worker: several workers take a CUDA device each.

    Raises:
        CheckpointError: There is no such model, or this engine cannot run it.
    """
    from auricle_server.checkpoints import load_checkpoint
    from auricle_server.engine import Engine

    device = config.device
    if config.workers > 1 and device in ("auto", "cuda"):
        device = f"cuda:{index}"
    engine = Engine(load_checkpoint(config.model), slots=config.slots, device=device, threads=config.threads)
    engine.warm_up()
    return engine
