"""One worker as a gateway sees it: the leases that streams hold there, and one message per tick."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from auricle.protocol import codes
from auricle_server.gateway.errors import AtCapacity, NotReady, Refusal
from auricle_server.gateway.workers.slot_lease import SlotLease, StreamItem
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.channel import ChannelLost, GatewayChannel
from auricle_server.ipc.messages import (
    CloseStream,
    FromWorker,
    KeytermsPrepared,
    OpenStream,
    SecondPassChanged,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    WorkerItem,
    WorkerReady,
    WorkerStats,
)
from auricle_server.model_info import ModelInfo
from auricle_server.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

SILENCE_SECONDS = 10.0
"""A worker sends its load every second; one that has sent nothing for this long is treated as lost."""
RESERVE_SECONDS = 5.0
"""How long an upgrade may wait for the worker; it answers within one engine step while it works."""
_REFUSALS = {codes.SERVER_FULL: AtCapacity, codes.WORKER_LOST: NotReady}
"""What a worker's answer means to a client that has no stream yet."""


class WorkerClient:
    """One worker.

    Args:
        channel: The gateway's end of the channel to it.
        metrics: Of the gateway.
        on_ready: Called when a worker has introduced itself.

    Attributes:
        info: The worker's model; None while no worker is connected.
        generation: Of the worker: higher for those that were started because the model was loaded anew.
        stats: The newest load that the worker has reported; None before the first.
        writer: Collects and sends what the worker gets; its `run` is to be kept going, like `run_reader`.
    """

    def __init__(self, channel: GatewayChannel, metrics: Metrics, on_ready: Callable[[], None]) -> None:
        self.info: ModelInfo | None = None
        self.generation = 0
        self.stats: WorkerStats | None = None
        self._channel = channel
        self._metrics = metrics
        self._on_ready = on_ready
        self._leases: dict[int, SlotLease] = {}
        self._opening: dict[int, asyncio.Future[StreamOpened | StreamFailure]] = {}
        self._last_number = 0
        self._introductions = 0
        self.writer = BatchWriter(channel)
        self._last_received = 0.0
        self._silent = False

    @property
    def ready(self) -> bool:
        """Whether the worker takes streams."""
        return self.info is not None and not self._silent

    @property
    def free(self) -> int:
        """Slots that are free as far as this gateway knows; the worker decides."""
        if self.info is None:
            return 0
        return self.info.slots - max(len(self._leases) + len(self._opening), self.slots_used)

    @property
    def slots_used(self) -> int:
        """Slots leased by all gateways together, as last reported."""
        return 0 if self.stats is None else self.stats.slots_used

    @property
    def capacity(self) -> int:
        """Streams of the default latency that the worker could hold in all, by slots and by time."""
        return 0 if not self.ready or self.stats is None else self.stats.capacity

    @property
    def full(self) -> bool:
        """Whether the worker would take no stream of the default latency, as far as this gateway knows."""
        return not self.ready or self.free <= 0 or (self.stats is not None and self.stats.full)

    # --- leases ------------------------------------------------------------------------------------------------------

    async def reserve(self, latency_ms: int | None) -> SlotLease:
        """Reserves a slot, with the model's default language.

        A worker that takes the place of the one that was asked is asked in its turn: the client need not come again.

        Args:
            latency_ms: What the client will ask for. The default is taken for None, and for a latency that the model
                does not offer: the client's `Start` is refused then.

        Raises:
            AtCapacity: No slot is free, or the worker has no time for such a stream.
            NotReady: The worker is not connected, or has just been lost.
            Refusal: The worker failed on the request.
        """
        asked = self._introductions
        try:
            return await self._reserve(latency_ms)
        except NotReady:
            if self._introductions == asked or not self.ready:
                raise
            return await self._reserve(latency_ms)

    async def _reserve(self, latency_ms: int | None) -> SlotLease:
        if self.info is None or self._silent:
            raise NotReady("no worker is ready; try again in a few seconds")
        info = self.info
        # Only what is certain here. Other gateways' streams count at the worker, which decides.
        if len(self._leases) + len(self._opening) >= info.slots:
            raise AtCapacity("every slot is in use; try again later, or another server")
        latency_ms = latency_ms if latency_ms in info.latencies_ms else info.default_latency_ms
        opened = await self._open(info, latency_ms)
        if isinstance(opened, StreamFailure):
            raise _REFUSALS.get(opened.code, Refusal)(opened.message)
        # The worker may be replaced between its answer and this task's next turn on the loop.
        if self.info is not info:
            raise NotReady("the worker has just been lost; try again in a few seconds")
        lease = SlotLease(self.writer, self._release, info, latency_ms, opened)
        self._leases[lease.number] = lease
        return lease

    async def _open(self, info: ModelInfo, latency_ms: int) -> StreamOpened | StreamFailure:
        """Asks the worker for a slot."""
        number = self._last_number = self._last_number + 1
        answer: asyncio.Future[StreamOpened | StreamFailure] = asyncio.get_running_loop().create_future()
        self._opening[number] = answer
        self.writer.add(OpenStream(number, latency_ms, info.default_language), urgent=True)
        try:
            async with asyncio.timeout(RESERVE_SECONDS):
                return await answer
        except TimeoutError:
            raise NotReady("the worker does not answer; try again in a few seconds") from None
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self.writer.add(CloseStream(number))  # the answer came in the same turn of the loop as the cancel
            raise
        finally:
            self._opening.pop(number, None)  # a later answer is closed again by `_on_opened`

    def _release(self, number: int) -> None:
        if self._leases.pop(number, None) is not None:
            self.writer.add(CloseStream(number))

    def on_beat(self) -> None:
        """Once a second: sends the worker a sign of life, and notices a worker that sends none."""
        # The worker drops the streams of a gateway that has sent nothing for 5 s (`GATEWAY_SILENCE_SECONDS`).
        self.writer.wake()
        for lease in self._leases.values():
            lease.on_beat()
        quiet = asyncio.get_running_loop().time() - self._last_received
        if self.ready and quiet > SILENCE_SECONDS:
            self._silent = True
            self._lose(f"nothing received for {quiet:.0f} s")

    # --- from the worker ---------------------------------------------------------------------------------------------

    async def run_reader(self) -> None:
        """Dispatches what the worker sends, for ever."""
        self.writer.wake()
        while True:
            try:
                message = await self._channel.receive()
            except ChannelLost as lost:
                self.info = None
                self._lose(str(lost))
            else:
                self._receive(message)

    def _receive(self, message: FromWorker) -> None:
        self._last_received = asyncio.get_running_loop().time()
        self._silent = False
        if message.results is not None:
            leases = self._leases
            for result in message.results.rows():
                lease = leases.get(result.stream)
                # A result may be under way when its stream is released. Numbers are never used twice, so it reaches no
                # other one.
                if lease is not None:
                    lease.listener(result)
        for item in message.items:
            self._dispatch(item)

    def _dispatch(self, item: WorkerItem) -> None:
        match item:
            case StreamOpened():
                self._on_opened(item)
            case StreamFailure():
                self._on_failed(item)
            case UpdateRefused() | KeytermsPrepared() | SecondPassChanged():
                self._notify(self._leases.get(item.stream), item)
            case WorkerStats():
                self.stats = item
                self._metrics.observe_steps(item.steps)
                self._metrics.state_restarts.inc(item.restarts)
            case WorkerReady():
                self._on_worker_ready(item)

    @staticmethod
    def _notify(lease: SlotLease | None, item: StreamItem) -> None:
        if lease is not None:
            lease.listener(item)

    def _on_failed(self, failed: StreamFailure) -> None:
        opening = self._opening.pop(failed.stream, None)
        if opening is not None and not opening.done():
            opening.set_result(failed)
        self._notify(self._leases.pop(failed.stream, None), failed)

    def _on_opened(self, opened: StreamOpened) -> None:
        opening = self._opening.pop(opened.stream, None)
        if opening is None or opening.done():
            self.writer.add(CloseStream(opened.stream))  # the client has gone while the worker answered
        else:
            opening.set_result(opened)

    def _on_worker_ready(self, ready: WorkerReady) -> None:
        """A worker that introduces itself holds none of this gateway's streams: it is a new process."""
        self._lose("another worker has taken its place")
        self.info, self.generation = ready.info, ready.generation
        self._introductions += 1
        self._on_ready()
        log.info("worker ready model=%s slots=%d", ready.info.name, ready.info.slots)

    def _lose(self, why: str) -> None:
        """Fails every stream of this worker; their clients replay."""
        leases, self._leases = self._leases, {}
        opening, self._opening = self._opening, {}
        # What waits is for leases that no worker holds any more.
        self.writer.clear()
        self.stats = None
        for answer in opening.values():
            if not answer.done():
                answer.set_exception(NotReady("the worker has just been lost; try again in a few seconds"))
        if leases or opening:
            self._metrics.workers_lost.inc()
            log.warning("worker lost streams=%d why=%r", len(leases), why)
        for lease in leases.values():
            if self._silent:
                self.writer.add(CloseStream(lease.number))  # it may still be there, and hold the slot
            lease.listener(
                StreamFailure(lease.number, codes.WORKER_LOST, "the worker was lost; connect again and replay")
            )

    async def close(self) -> None:
        """Closes the channel, after the worker has been sent the slots released last."""
        if self.ready:
            await self.writer.close()
        await self._channel.close()
