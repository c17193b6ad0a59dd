"""One worker as a gateway sees it: who has a seat there, one message per tick."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from auricle.protocol import codes
from auricle_server.gateway.http.errors import AtCapacity, NotReady
from auricle_server.gateway.workers.slot_lease import News, SlotLease
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.channel import ChannelLost, GatewayChannel
from auricle_server.ipc.messages import (
    CloseStream,
    FromWorker,
    GatewayItem,
    OpenStream,
    SecondPassChanged,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    WorkerItem,
    WorkerReady,
    WorkerStats,
)
from auricle_server.metrics import Metrics
from auricle_server.model_info import ModelInfo

log = logging.getLogger(__name__)

TICK_SECONDS = 0.002
"""How long audio waits for the audio of other streams. What a client is waiting for goes at once.

However many streams there are, a gateway sends 500 messages a second and a few for those who wait; what a message costs
beyond its bytes is then bounded, at its worker as well.
"""
SILENCE_SECONDS = 10.0
"""Workers say something every second; one that is silent for this long is taken for lost."""
RESERVE_SECONDS = 5.0
FAREWELL_SECONDS = 0.5


class WorkerClient:
    """One worker.

    Args:
        link: The gateway's end of the link to it.
        metrics: Of the gateway.
        on_ready: Called when a worker has introduced itself.

    Attributes:
        info: The worker's model; None while no worker is there.
        stats: What the worker said last; None before it has.
    """

    def __init__(self, link: GatewayChannel, metrics: Metrics, on_ready: Callable[[], None]) -> None:
        self.info: ModelInfo | None = None
        self.stats: WorkerStats | None = None
        self._link = link
        self._metrics = metrics
        self._on_ready = on_ready
        self._seats: dict[int, SlotLease] = {}
        self._opening: dict[int, asyncio.Future[StreamOpened | StreamFailure]] = {}
        self._last_number = 0
        self._outbox = BatchWriter()
        self._wake = asyncio.Event()
        self._tick: asyncio.TimerHandle | None = None
        self._last_heard = 0.0
        self._silent = False

    @property
    def ready(self) -> bool:
        """Whether the worker takes streams."""
        return self.info is not None and not self._silent

    @property
    def free(self) -> int:
        """Slots that are free as far as this gateway knows; the worker has the last word."""
        return 0 if self.info is None else self.info.slots - max(len(self._seats) + len(self._opening), self.slots_used)

    @property
    def slots_used(self) -> int:
        """Slots leased by all gateways together, as the worker said last."""
        return 0 if self.stats is None else self.stats.slots_used

    @property
    def capacity(self) -> int:
        """Streams of the default latency that the worker would take in all, by slots and by time."""
        return 0 if not self.ready or self.stats is None else self.stats.capacity

    @property
    def full(self) -> bool:
        """Whether the worker would take no stream of the default latency, as far as this gateway knows."""
        return not self.ready or self.free <= 0 or (self.stats is not None and self.stats.full)

    # --- seats -------------------------------------------------------------------------------------------------------

    async def reserve(self, latency_ms: int | None) -> SlotLease:
        """Takes a slot, with the model's default language.

        Args:
            latency_ms: What the client will ask for; the default where it has not said, or where there is none such:
                it will learn of that when it asks.

        Raises:
            ServerFull: There is none, or no time for such a stream.
            NotReady: The worker is not there, or has just gone.
        """
        if self.info is None or self._silent:
            raise NotReady("no worker is ready")
        info = self.info
        if len(self._seats) + len(self._opening) >= info.slots:
            raise AtCapacity("every slot is taken")
        taken = latency_ms if latency_ms in info.latencies_ms else info.default_latency_ms
        opened = await self._open(info, taken)
        if isinstance(opened, StreamFailure):
            raise (AtCapacity if opened.code == codes.SERVER_FULL else NotReady)(opened.message)
        if self.info is not info:
            raise NotReady("the worker has just gone")
        seat = self._seats[opened.stream] = SlotLease(self, info, taken, opened)
        return seat

    async def _open(self, info: ModelInfo, latency_ms: int) -> StreamOpened | StreamFailure:
        """Asks the worker."""
        number = self._last_number = self._last_number + 1
        answer: asyncio.Future[StreamOpened | StreamFailure] = asyncio.get_running_loop().create_future()
        self._opening[number] = answer
        self.put(OpenStream(number, latency_ms, info.default_language), urgent=True)
        try:
            async with asyncio.timeout(RESERVE_SECONDS):
                return await answer
        except TimeoutError:
            raise NotReady("the worker does not answer") from None
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self.put(CloseStream(number))  # the slot came as the client went
            raise
        finally:
            self._opening.pop(number, None)  # an answer that comes later is met with a close

    def release(self, number: int) -> None:
        """The stream needs its slot no more."""
        if self._seats.pop(number, None) is not None:
            self.put(CloseStream(number))

    # --- to the worker -----------------------------------------------------------------------------------------------

    def hear(self, stream: int, slot: int, lease: int, pcm: bytes) -> None:
        """Adds audio to the message of this tick."""
        self._outbox.audio(stream, slot, lease, pcm)
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(TICK_SECONDS, self._on_tick)

    def put(self, item: GatewayItem, *, urgent: bool = False) -> None:
        """Adds to the message of this tick; an urgent item ends the tick."""
        self._outbox.item(item)
        if urgent:
            self._wake.set()
        elif self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(TICK_SECONDS, self._on_tick)

    def _on_tick(self) -> None:
        self._tick = None
        self._wake.set()

    async def pump(self) -> None:
        """Sends ticks, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._link.send(self._outbox.take())

    def beat(self) -> None:
        """Once a second: shows the worker that this gateway lives, and notices a worker that does not."""
        self._wake.set()
        quiet = asyncio.get_running_loop().time() - self._last_heard
        if self.ready and quiet > SILENCE_SECONDS:
            self._silent = True
            self._lose(f"nothing heard for {quiet:.0f} s")

    # --- from the worker ---------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Hands out what the worker says, for ever."""
        self._wake.set()
        while True:
            try:
                message = await self._link.receive()
            except ChannelLost as lost:
                self.info = None
                self._lose(str(lost))
            else:
                self._take(message)

    def _take(self, message: FromWorker) -> None:
        self._last_heard = asyncio.get_running_loop().time()
        self._silent = False
        if message.results is not None:
            for result in message.results.rows():
                self._hand_out(result.stream, result)
        for item in message.items:
            self._apply(item)

    def _apply(self, item: WorkerItem) -> None:
        match item:
            case StreamOpened():
                self._on_opened(item)
            case StreamFailure():
                self._on_failed(item)
            case UpdateRefused() | SecondPassChanged():
                self._hand_out(item.stream, item)
            case WorkerStats():
                self._on_stats(item)
            case WorkerReady():
                self._on_info(item.info)

    def _hand_out(self, stream: int, news: News) -> None:
        seat = self._seats.get(stream)
        if seat is not None:
            seat.listener(news)

    def _on_failed(self, failed: StreamFailure) -> None:
        opening = self._opening.pop(failed.stream, None)
        if opening is not None and not opening.done():
            opening.set_result(failed)
        seat = self._seats.pop(failed.stream, None)
        if seat is not None:
            seat.listener(failed)

    def _on_opened(self, opened: StreamOpened) -> None:
        opening = self._opening.pop(opened.stream, None)
        if opening is None or opening.done():
            self.put(CloseStream(opened.stream))  # who asked has gone
        else:
            opening.set_result(opened)

    def _on_stats(self, stats: WorkerStats) -> None:
        self.stats = stats
        self._metrics.observe_steps(stats.steps)

    def _on_info(self, info: ModelInfo) -> None:
        """A worker that introduces itself holds none of this gateway's streams."""
        self._lose("another worker has taken its place")
        self.info = info
        self._on_ready()
        log.info("worker ready model=%s slots=%d", info.name, info.slots)

    def _lose(self, why: str) -> None:
        """Tells every stream of this worker that it is gone."""
        seats, self._seats = self._seats, {}
        opening, self._opening = self._opening, {}
        self._outbox.clear()
        self.stats = None
        for answer in opening.values():
            if not answer.done():
                answer.set_exception(NotReady("the worker has just gone"))
        if seats or opening:
            self._metrics.workers_lost.inc()
            log.warning("worker lost streams=%d why=%r", len(seats), why)
        for seat in seats.values():
            if self._silent:
                self.put(CloseStream(seat.number))
            seat.listener(StreamFailure(seat.number, codes.WORKER_LOST, "the worker has gone; please replay"))

    async def close(self) -> None:
        """Ends the link, once the worker has been told of the slots given back last."""
        if self._tick is not None:
            self._tick.cancel()
        if self.ready and self._outbox:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await self._link.send(self._outbox.take())
        await self._link.close()
