"""Returns that go wrong themselves: at the wrong moment, to the wrong gateway, cut again on the way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codec import decode_event, encode_client
from auricle.protocol.server_messages import Error, Ready
from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from auricle_server.engine import Engine
from auricle_server.gateway.http.app import Gateway
from auricle_server.gateway.http.server import listening, until_ready
from auricle_server.gateway.session.resume_proxy import RESUME_PATH, ResumeProxy
from auricle_server.gateway.session.session import Session
from auricle_server.gateway.workers.slot_lease import SlotLease
from auricle_server.ipc import InProcessChannel
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.messages import StreamFailure, StreamOpened, UpdateRefused
from auricle_server.metrics import Metrics
from auricle_server.model_info import ModelInfo
from auricle_server.serving.in_process_server import _start_worker
from auricle_server.worker.factory import model_info
from tests.auricle_server.gateway.session.test_resume import AUDIO, BYTES, TEXT, back, cut, gone
from tests.auricle_server.talk import Talk, quiet, talking, until


@pytest.fixture
def info(engine: Engine) -> ModelInfo:
    return model_info(engine, 80)


@pytest.fixture
def seat(info: ModelInfo) -> SlotLease:
    return SlotLease(BatchWriter(lambda urgent: None), lambda number: None, info, 80, StreamOpened(1, 0, 0))


@pytest.fixture
def session(seat: SlotLease) -> Session:
    """One that has started and has said `Ready`."""
    made = Session(seat, "token", DEFAULT_LIMITS, Metrics(), lambda: 0.0, lambda: None)
    made.receive_text(encode_client(Start()))
    ready = made.next_text()
    assert ready is not None
    assert isinstance(decode_event(ready), Ready)
    return made


def texts(session: Session) -> list[str]:
    return list(iter(session.next_text, None))


def test_whoever_comes_back_to_a_stream_that_fails_hears_of_that_and_of_nothing_before(
    session: Session, seat: SlotLease
) -> None:
    """An event before `Ready` breaks the protocol, and the client would give the stream up for good."""
    seat.listener(UpdateRefused(1, "an event that waits"))
    session.resume(1, lambda: None)
    seat.listener(StreamFailure(1, codes.WORKER_LOST, "gone"))
    (text,) = texts(session)
    error = decode_event(text)
    assert isinstance(error, Error)
    assert (error.code, error.fatal) == (codes.WORKER_LOST, True)


def test_a_latency_that_the_worker_had_no_time_for_is_not_in_force(session: Session, seat: SlotLease) -> None:
    """Words would be timed by it."""
    for latency_ms in (160, 560):
        session.receive_text(encode_client(Update(latency_ms=latency_ms)))
    seat.listener(UpdateRefused(1, "no time", 160, 80))
    assert latency_in_force(session) == 560
    seat.listener(UpdateRefused(1, "no time", 560, 80))
    assert latency_in_force(session) == 80


def latency_in_force(session: Session) -> int:
    """What a client is told that comes back."""
    texts(session)
    session.resume(session._connection._seq, lambda: None)
    session.receive_text(encode_client(Start()))
    ready = decode_event(texts(session)[0])
    assert isinstance(ready, Ready)
    return ready.latency_ms


@pytest.mark.parametrize("first", [b"\0\0", encode_client(Start(sample_rate=8000)), "{}"])
def test_whoever_comes_back_with_nonsense_hears_of_that_and_of_nothing_before(
    session: Session, seat: SlotLease, first: bytes | str
) -> None:
    seat.listener(UpdateRefused(1, "an event that waits"))
    session.resume(1, lambda: None)
    if isinstance(first, bytes):
        session.receive_binary(first)
    else:
        session.receive_text(first)
    (text,) = texts(session)
    error = decode_event(text)
    assert isinstance(error, Error)
    assert error.fatal
    assert not session.can_resume(1)


def test_a_backlog_does_not_keep_whoever_comes_back_at_the_door(session: Session) -> None:
    session.receive_binary(bytes(32_000 * 20))
    assert not session.accepts_input
    session.resume(1, lambda: None)
    assert session.accepts_input
    session.receive_text(encode_client(Start()))
    assert not session.accepts_input


async def test_a_stale_connection_that_waits_for_room_is_let_go(url: str) -> None:
    async with talking(url) as stale:
        ready = await stale.start(latency_ms=80)
        flood = asyncio.create_task(stale.say(quiet(300), piece=1 << 19))
        await stale.event("settled")
        async with talking(url, headers=back(ready, stale.events[-1]["seq"])) as again:
            assert "held" in await again.start()
            await again.end()
            assert again.close_code == 1000
        with suppress(ConnectionError):
            await flood
        await gone(url)


async def test_streams_that_are_over_hold_no_slots_for_clients_that_do_not_say_goodbye(url: str) -> None:
    for _ in range(6):
        async with talking(url, autoclose=False) as talk:
            await talk.start()
            await talk.send(type="end")
            await talk.rest()
            cut(talk)
    await gone(url)
    async with talking(url) as talk:
        await talk.start()
        await talk.end()
        assert talk.close_code == 1000


async def test_what_is_no_websocket_does_not_end_a_stream(url: str) -> None:
    async with talking(url) as talk:
        ready = await talk.start()
        cut(talk)
    await gone(url)
    http_url = url.replace("ws:", "http:")
    async with aiohttp.ClientSession() as http, http.get(http_url + RESUME_PATH, headers=back(ready, 1)) as answer:
        assert answer.status == 426
    async with talking(url, headers=back(ready, 1)) as again:
        assert "held" in await again.start()


@pytest.mark.parametrize("name", ["9" * 300, "9" * 5000, "-1", "../0", ""])
def test_a_token_that_names_no_gateway_is_nobodys(tmp_path: Path, name: str) -> None:
    assert ResumeProxy(tmp_path, 0).owner(f"{name}.token") is None


# --- through a neighbour ----------------------------------------------------------------------------------------------


@dataclass
class Pair:
    """Two gateways: the first has all streams, the second no worker, so that what comes to it is passed on."""

    owner: Gateway
    owner_url: str
    relay: Gateway
    relay_url: str
    close_relay: Callable[[], Awaitable[None]]


@asynccontextmanager
async def pair(engine: Engine, folder: Path, **limits: float) -> AsyncIterator[Pair]:
    config = ServerConfig(host="127.0.0.1", port=0, max_load=0, limits=replace(DEFAULT_LIMITS, **limits))  # type: ignore[arg-type]
    link, stop = InProcessChannel(), threading.Event()
    worker = await asyncio.to_thread(_start_worker, config, engine, link, stop)
    try:
        async with listening(config, [link.gateway()], resume_proxy=ResumeProxy(folder, 0)) as (owner, port):
            await until_ready(owner, 30)
            async with AsyncExitStack() as stack:
                relay = listening(config, [], resume_proxy=ResumeProxy(folder, 1))
                gateway, relay_port = await stack.enter_async_context(relay)
                urls = [f"ws://127.0.0.1:{each}" for each in (port, relay_port)]
                yield Pair(owner, urls[0], gateway, urls[1], stack.aclose)
    finally:
        stop.set()
        await asyncio.to_thread(worker.join)


@asynccontextmanager
async def passed_on(servers: Pair) -> AsyncIterator[tuple[Talk, Session]]:
    """A stream whose client has come back by way of the neighbour."""
    async with talking(servers.owner_url) as talk:
        ready = await talk.start(latency_ms=80)
        cut(talk)
    async with talking(servers.relay_url, headers=back(ready, 1)) as again:
        assert "held" in await again.start()
        yield again, servers.owner._connections._store._sessions[ready["resume_token"]]


async def test_signs_of_life_are_passed_on(engine: Engine, tmp_path: Path) -> None:
    """Or a client that says nothing for a while would idle away, only because it had been cut once."""
    async with pair(engine, tmp_path) as servers, passed_on(servers) as (talk, session):
        before = session.last_message
        await talk.socket.ping()
        await until(lambda: session.last_message > before, 5)
        await talk.end()
        assert talk.close_code == 1000
        await until(lambda: not servers.owner._connections._store._sessions, 5)  # a farewell is passed on too


async def test_a_neighbour_that_goes_takes_no_stream_with_it(engine: Engine, tmp_path: Path) -> None:
    async with pair(engine, tmp_path) as servers, passed_on(servers) as (talk, session):
        await servers.close_relay()
        await talk.rest()
        assert talk.close_code != 1000
        async with talking(servers.owner_url, headers={"Auricle-Resume": f"{session.token} 1"}) as again:
            assert "held" in await again.start()


async def test_a_neighbour_that_drains_waits_for_what_it_passes_on(engine: Engine, tmp_path: Path) -> None:
    async with pair(engine, tmp_path) as servers, passed_on(servers) as (talk, _):
        draining = asyncio.create_task(servers.relay.drain())
        await talk.say(BYTES)
        await talk.event("interim")
        assert not draining.done()
        await talk.end()
        assert (talk.text, talk.close_code) == (TEXT, 1000)
        await asyncio.wait_for(draining, 5)


async def test_events_may_be_bigger_than_the_messages_of_clients(engine: Engine, tmp_path: Path) -> None:
    async with pair(engine, tmp_path, message_bytes=256) as servers, passed_on(servers) as (talk, _):
        await talk.say(AUDIO, piece=256)
        await talk.end()
        assert (talk.text, talk.close_code) == (TEXT, 1000)


async def test_a_message_too_big_is_told_by_a_neighbour_too(engine: Engine, tmp_path: Path) -> None:
    async with pair(engine, tmp_path, message_bytes=1024) as servers, passed_on(servers) as (talk, _):
        await talk.socket.send_bytes(bytes(4096))
        await talk.rest()
        assert talk.close_code == 1009
