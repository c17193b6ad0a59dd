"""One worker as a gateway sees it: seats in its slots, one message per tick."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from auricle.protocol import codes
from auricle_server.gateway.errors import NotReady, ServerFull
from auricle_server.link.base import GatewayLink, LinkLost
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
from auricle_server.metrics import Metrics
from auricle_server.stream import Change

log = logging.getLogger(__name__)

TICK_SECONDS = 0.002
"""How long audio waits for the audio of other streams. What a client is waiting for goes at once."""
SILENCE_SECONDS = 10.0
"""Workers say something every second; one that is silent for this long is taken for lost."""
RESERVE_SECONDS = 5.0
FAREWELL_SECONDS = 0.5

Listener = Callable[[ChunkResult | StreamFailed], None]


def _ignore(_: ChunkResult | StreamFailed) -> None:
    """The listener of a seat that nobody sits in yet."""


class Seat:
    """A stream's hold on a slot of a worker, from before the WebSocket upgrade until `leave`.

    Attributes:
        number: Of the stream on this gateway, never used twice.
        info: The model behind it.
        listener: Called with what the worker finds.
    """

    def __init__(self, peer: WorkerPeer, number: int, info: ModelInfo) -> None:
        self._peer = peer
        self.number = number
        self.info = info
        self.listener: Listener = _ignore

    def audio(self, pcm: bytes) -> None:
        """16 kHz mono PCM for the worker."""
        self._peer.put(Audio(self.number, pcm))

    def change(self, change: Change) -> None:
        """Settings from the next chunk on."""
        if change != Change():
            self._peer.put(ChangeStream(self.number, change.latency_ms, change.language))

    def flush(self, mark: int, *, last: bool = False) -> None:
        """See `FlushStream`."""
        self._peer.put(FlushStream(self.number, mark, last), urgent=True)

    def leave(self) -> None:
        """Gives the slot back, unless the stream is over; may be called twice."""
        self._peer.release(self.number)


class WorkerPeer:
    """One worker.

    Args:
        link: The gateway's end of the link to it.
        metrics: Of the gateway.
        on_ready: Called when a worker has introduced itself.

    Attributes:
        info: The worker's model; None while no worker is there.
        slots_used: Slots leased by all gateways together, as the worker said last.
    """

    def __init__(self, link: GatewayLink, metrics: Metrics, on_ready: Callable[[], None]) -> None:
        self.info: ModelInfo | None = None
        self.slots_used = 0
        self._link = link
        self._metrics = metrics
        self._on_ready = on_ready
        self._seats: dict[int, Seat] = {}
        self._opening: dict[int, asyncio.Future[bool]] = {}
        self._last_number = 0
        self._outbox: list[GatewayItem] = []
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

    # --- seats -------------------------------------------------------------------------------------------------------

    async def reserve(self) -> Seat:
        """Takes a slot, with the model's default settings.

        Raises:
            ServerFull: There is none.
            NotReady: The worker is not there, or has just gone.
        """
        if self.info is None or self._silent:
            raise NotReady("no worker is ready")
        info = self.info
        if len(self._seats) + len(self._opening) >= info.slots:
            raise ServerFull("every slot is taken")
        number = self._last_number = self._last_number + 1
        answer = self._opening[number] = asyncio.get_running_loop().create_future()
        self.put(OpenStream(number, info.default_latency_ms, info.default_language), urgent=True)
        try:
            async with asyncio.timeout(RESERVE_SECONDS):
                opened = await answer
        except TimeoutError:
            raise NotReady("the worker does not answer") from None
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled():
                self.put(CloseStream(number))  # the slot came as the client went
            raise
        finally:
            self._opening.pop(number, None)  # an answer that comes later is met with a close
        if not opened:
            raise ServerFull("every slot is taken")
        seat = self._seats[number] = Seat(self, number, info)
        return seat

    def release(self, number: int) -> None:
        """The stream needs its slot no more."""
        if self._seats.pop(number, None) is not None:
            self.put(CloseStream(number))

    # --- to the worker -----------------------------------------------------------------------------------------------

    def put(self, item: GatewayItem, *, urgent: bool = False) -> None:
        """Adds to the message of this tick; an urgent item ends the tick."""
        self._outbox.append(item)
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
            items, self._outbox = tuple(self._outbox), []
            await self._link.send(ToWorker(items))

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
            except LinkLost as lost:
                self.info = None
                self._lose(str(lost))
            else:
                self._take(message)

    def _take(self, message: FromWorker) -> None:
        self._last_heard = asyncio.get_running_loop().time()
        self._silent = False
        for item in message.items:
            self._apply(item)

    def _apply(self, item: WorkerItem) -> None:
        match item:
            case ChunkResult() | StreamFailed():
                self._hand_out(item)
            case StreamOpened():
                self._on_opened(item.stream)
            case WorkerStats():
                self._on_stats(item)
            case ModelInfo():
                self._on_info(item)

    def _hand_out(self, item: ChunkResult | StreamFailed) -> None:
        if isinstance(item, StreamFailed):
            opening = self._opening.pop(item.stream, None)
            if opening is not None and not opening.done():
                opening.set_result(False)
            seat = self._seats.pop(item.stream, None)
        else:
            seat = self._seats.get(item.stream)
        if seat is not None:
            seat.listener(item)

    def _on_opened(self, stream: int) -> None:
        opening = self._opening.pop(stream, None)
        if opening is None or opening.done():
            self.put(CloseStream(stream))  # who asked has gone
        else:
            opening.set_result(True)

    def _on_stats(self, stats: WorkerStats) -> None:
        self.slots_used = stats.slots_used
        for seconds in stats.step_seconds:
            self._metrics.step_seconds.observe(seconds)
        for rows in stats.batch_sizes:
            self._metrics.batch_rows.observe(rows)

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
        self._outbox, self.slots_used = [], 0
        for answer in opening.values():
            if not answer.done():
                answer.set_exception(NotReady("the worker has just gone"))
        if seats or opening:
            self._metrics.workers_lost.inc()
            log.warning("worker lost streams=%d why=%r", len(seats), why)
        for seat in seats.values():
            if self._silent:
                self.put(CloseStream(seat.number))
            seat.listener(StreamFailed(seat.number, codes.WORKER_LOST, "the worker has gone; please replay"))

    async def close(self) -> None:
        """Ends the link, once the worker has been told of the slots given back last."""
        if self._tick is not None:
            self._tick.cancel()
        if self.ready and self._outbox:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await self._link.send(ToWorker(tuple(self._outbox)))
        await self._link.close()
