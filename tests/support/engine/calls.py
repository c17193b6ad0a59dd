"""Streams from the client's message to its events without sockets: the real worker and stream state, stepped singly."""

from __future__ import annotations

import random
from collections import deque

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.server_messages import Final, ServerEvent
from auricle.protocol.settings import Refine
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.engine import Engine
from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import (
    FromWorker,
    OpenStream,
    SecondPassChanged,
    SettingsUpdate,
    StreamOpened,
    ToWorker,
)
from auricle_server.stream.stream_state import StreamState
from auricle_server.worker.admission import Admission
from auricle_server.worker.factory import model_info
from auricle_server.worker.loop import Worker
from tests.support.tones import Pcm

GATEWAY = b"gateway"
News = ChunkResult | SecondPassChanged


class Exchange:
    """A worker and both ends of its link; nothing moves but in `tick`.

    Args:
        engine: What the worker runs.
        admission: Its.
    """

    def __init__(self, engine: Engine, admission: Admission | None = None) -> None:
        self.info = model_info(engine)
        self.worker = Worker(engine, self, self.info, admission)
        self._engine = engine
        self._outbox = BatchWriter()
        self._opened: dict[int, StreamOpened] = {}
        self._news: dict[int, deque[News]] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way to the worker, and nothing in its engine."""
        return not self._outbox and not self._engine.ready

    def tick(self) -> None:
        """One tick of the worker."""
        self.worker.tick(0.0)

    def open(self, number: int, latency_ms: int) -> tuple[SlotLease, deque[News]]:
        """A stream of that number, and where its news will be."""
        self._outbox.add(OpenStream(number, latency_ms, self.info.default_language))
        self.tick()
        news = self._news[number] = deque()
        return SlotLease(self._outbox, _never_released, self.info, latency_ms, self._opened.pop(number)), news

    # --- what a worker asks of its link ------------------------------------------------------------------------------

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        """See `WorkerLink`."""
        return [(GATEWAY, self._outbox.take())]

    def send(self, gateway: bytes, message: FromWorker) -> None:
        """See `WorkerLink`."""
        for result in () if message.results is None else message.results.rows():
            self._news[result.stream].append(result)
        for item in message.items:
            if isinstance(item, StreamOpened):
                self._opened[item.stream] = item
            elif isinstance(item, SecondPassChanged):
                self._news[item.stream].append(item)

    def close(self) -> None:
        """See `WorkerLink`."""
        self._news.clear()


def _never_released(number: int) -> None:
    raise AssertionError("streams end by themselves here")


class Call:
    """One stream, fed as a session feeds it.

    Args:
        exchange: With its worker.
        number: Of the stream, never used twice on an exchange.
        start: Of the client.
        chance: Decides how late news of the worker arrives; None for at once.

    Attributes:
        events: All that its client was told.
    """

    def __init__(self, exchange: Exchange, number: int, start: Start, chance: random.Random | None = None) -> None:
        self.events: list[ServerEvent] = []
        self._exchange = exchange
        self._chance = chance
        self._stream = StreamState(exchange.info, start, "call", DEFAULT_LIMITS)
        self._seat, self._news = exchange.open(number, self._stream.latency_ms)
        refine = None if start.refine == "off" else start.refine
        change = SettingsUpdate(refine=refine, offline=start.offline, keyterms=start.keyterms or None)
        self._seat.update(change, starting=True)

    @property
    def over(self) -> bool:
        """Whether the end has been answered."""
        return self._stream.over

    @property
    def audio_time(self) -> float:
        """Seconds of audio on which all rests that has been told."""
        return self._stream.audio_time

    @property
    def finals(self) -> list[Final]:
        """Those told so far."""
        return [event for event in self.events if isinstance(event, Final)]

    @property
    def text(self) -> str:
        """All finals joined."""
        return " ".join(final.text for final in self.finals if final.text)

    def hear(self, audio: Pcm) -> None:
        """What the client says next."""
        self._stream.count_audio(len(audio))
        self._seat.send_audio(audio.astype("<i2").tobytes())

    def finalize(self, finalize_id: str) -> None:
        """The client wants a final."""
        mark = self._stream.finalize(finalize_id)
        if mark is not None:
            self._seat.flush(mark)

    def update(self, refine: Refine) -> None:
        """The client wants a second lane, or none."""
        self._seat.update(self._stream.update(Update(refine=refine)))

    def end(self) -> None:
        """The client has said all."""
        self._seat.flush(self._stream.end(), last=True)

    def read(self) -> None:
        """Takes the news that has arrived."""
        for _ in range(self._chance.randint(0, len(self._news)) if self._chance else len(self._news)):
            self.events += self._stream.on_result(self._news.popleft())
            if self._stream.needs_second_pass_flush():
                self._seat.flush_second_pass()

    def go_on(self) -> None:
        """A tick of the worker, and its news."""
        self._exchange.tick()
        self.read()

    def finish(self) -> None:
        """Says the end, and waits for it."""
        self.end()
        while self._news or not self._exchange.idle:
            self.go_on()
        assert self.over
