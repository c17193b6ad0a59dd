"""One pipeline's stream, with a fake client."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from auricle import ReconnectPolicy, Start
from auricle.errors import Backpressure, ConnectionFailed, ServerFull
from auricle.events import Connected, Reconnected, Reconnecting, StreamEvent
from auricle.protocol.client_messages import End, Finalize, Update
from pipecat_auricle.audio_format import AudioConverter
from pipecat_auricle.connection import ServiceConnection
from tests.support.scripted.script import READY

POLICY = ReconnectPolicy(attempts=2, replay_seconds=30.0)
LOST = ConnectionFailed("lost", "it broke")


@dataclass
class FakeStream:
    """Records what it is given; while `error` is set, raises it instead."""

    events: asyncio.Queue[StreamEvent | Exception] = field(default_factory=asyncio.Queue)
    taken: list[object] = field(default_factory=list)
    error: Exception | None = None
    ready: Any = READY
    closed: bool = False

    async def __anext__(self) -> StreamEvent:
        event = await self.events.get()
        if isinstance(event, Exception):
            raise event
        return event

    def send_nowait(self, pcm: bytes) -> None:
        self._take(pcm)

    async def finalize(self, id: str) -> None:  # noqa: A002  # the protocol's own name of the field
        self._take(Finalize(id))

    async def update(self, **settings: Any) -> None:
        self._take(Update(**settings))

    async def end(self) -> None:
        self._take(End())

    async def aclose(self) -> None:
        self.closed = True

    def _take(self, item: object) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(item)


class FakeClient:
    def __init__(self) -> None:
        self.made = FakeStream()
        self.send_buffer_seconds = 0.0

    def stream(self, start: Any, *, send_buffer_seconds: float) -> FakeStream:
        self.send_buffer_seconds = send_buffer_seconds
        return self.made


def connection(client: FakeClient) -> ServiceConnection:
    return ServiceConnection(client, POLICY, Start, AudioConverter(16_000))  # type: ignore[arg-type]  # as far as it is used here


async def test_it_is_open_from_the_first_connection_until_the_stream_fails() -> None:
    client = FakeClient()
    made = connection(client)
    assert (made.is_open, made.ready) == (False, None)
    assert made.connected(Connected(0.0)) == READY
    assert (made.is_open, made.ready) == (True, READY)
    client.made.events.put_nowait(LOST)
    with pytest.raises(ConnectionFailed):
        await anext(made.events)
    made.over = True
    assert not made.is_open


async def test_another_server_offers_something_else() -> None:
    client = FakeClient()
    made = connection(client)
    client.made.ready = replace(READY, model="another")
    assert made.connected(Reconnected(1.0, 0.5)).model == "another"
    assert made.ready is not None
    assert made.ready.model == "another"


async def test_messages_and_audio_are_taken_in_order_and_half_a_sample_is_not() -> None:
    client = FakeClient()
    made = connection(client)
    made.send_audio(b"ab1")
    for message in (Finalize("x"), Update(latency_ms=160), End()):
        assert await made.send(message)
    assert client.made.taken == [b"ab", Finalize("x"), Update(latency_ms=160), End()]
    assert client.send_buffer_seconds == math.inf


async def test_audio_beyond_the_bound_is_dropped_and_the_stream_goes_on() -> None:
    client = FakeClient()
    made = connection(client)
    client.made.error = Backpressure(30.0)
    made.send_audio(b"ab")
    client.made.error = None
    made.send_audio(b"cd")
    assert client.made.taken == [b"cd"]


async def test_a_failed_stream_answers_nothing() -> None:
    client = FakeClient()
    made = connection(client)
    client.made.error = LOST
    made.send_audio(b"ab")
    assert not await made.send(Finalize("x"))


async def test_the_first_failed_attempt_of_a_stream_that_never_connected_is_reported() -> None:
    made = connection(FakeClient())
    assert made.reconnecting(Reconnecting(1, 0.1, LOST))
    assert not made.reconnecting(Reconnecting(2, 0.1, LOST))


async def test_an_outage_is_reported_when_it_outlasts_the_attempts_for_a_broken_server() -> None:
    client = FakeClient()
    made = connection(client)
    for _ in range(2):
        made.connected(Connected(0.0))
        reported = [made.reconnecting(Reconnecting(attempt, 0.1, ServerFull())) for attempt in range(1, 6)]
        assert reported == [False, False, True, False, False]


async def test_closing_drops_the_stream() -> None:
    client = FakeClient()
    made = connection(client)
    await made.aclose()
    assert client.made.closed
    assert made.over
