"""Resuming through another gateway: it passes on messages, signs of life and closes, and takes no stream with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import WSMsgType

from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from auricle_server.engine import Engine
from auricle_server.gateway.http.app import Gateway
from auricle_server.gateway.http.resume_proxy import ResumeProxy
from auricle_server.gateway.http.server import listening, until_ready
from auricle_server.gateway.session.session import Session
from auricle_server.ipc import InProcessChannel
from auricle_server.served_models import ServedModel
from auricle_server.serving.in_process_server import _start_worker
from tests.auricle_server.gateway.session.resume.test_session_resume import AUDIO, BYTES, TEXT, back, cut
from tests.auricle_server.raw_client import RawClient, connected_client, until


@pytest.mark.parametrize("name", ["9" * 300, "9" * 5000, "-1", "../0", ""])
def test_a_token_that_names_no_gateway_has_no_owner(tmp_path: Path, name: str) -> None:
    assert ResumeProxy(tmp_path, 0).owner(f"{name}.token") is None


def test_a_token_may_begin_with_the_name_of_its_server(tmp_path: Path) -> None:
    for index in (0, 1):
        (tmp_path / f"gateway-{index}.sock").touch()
    here, there = ResumeProxy(tmp_path, 0, "auricle-1"), ResumeProxy(tmp_path, 1, "auricle-1")
    assert there.sign("secret") == "auricle-1.1.secret"
    assert here.owner(there.sign("secret")) == tmp_path / "gateway-1.sock"
    assert here.owner(here.sign("secret")) is None
    # One of another server, or of the time before this one had a name.
    assert here.owner("auricle-2.1.secret") is None
    assert ResumeProxy(tmp_path, 0).sign("secret") == "0.secret"


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
async def pair(engine: Engine, folder: Path, *, api_keys: tuple[str, ...] = (), **limits: float) -> AsyncIterator[Pair]:
    bounds = replace(DEFAULT_LIMITS, **limits)  # type: ignore[arg-type]
    config = ServerConfig(host="127.0.0.1", port=0, max_load=0, limits=bounds, api_keys=api_keys)
    link, stop = InProcessChannel(), threading.Event()
    worker = await asyncio.to_thread(_start_worker, config, ServedModel("demo"), engine, link, stop)
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
async def passed_on(servers: Pair) -> AsyncIterator[tuple[RawClient, Session]]:
    """A stream whose client has resumed it through the other gateway."""
    async with connected_client(servers.owner_url) as client:
        ready = await client.start(latency_ms=80)
        cut(client)
    async with connected_client(servers.relay_url, headers=back(ready, 1)) as again:
        assert "held" in await again.start()
        yield again, servers.owner._connections._store._sessions[ready["resume_token"]]


async def test_signs_of_life_are_passed_on(engine: Engine, tmp_path: Path) -> None:
    """A client that pings hears from the gateway that has its stream, not only from the one that passes it on."""
    async with pair(engine, tmp_path) as servers, passed_on(servers) as (client, _):
        client.socket._autoping = False
        await client.socket.ping(b"alive")
        pong = await asyncio.wait_for(client.socket.receive(), 10)
        assert (pong.type, pong.data) == (WSMsgType.PONG, b"alive")
        await client.end()
        assert client.close_code == 1000
        await until(lambda: not servers.owner._connections._store._sessions, 5)  # a farewell is passed on too


async def test_a_proxy_that_stops_ends_no_stream(engine: Engine, tmp_path: Path) -> None:
    async with pair(engine, tmp_path) as servers, passed_on(servers) as (client, session):
        await servers.close_relay()
        await client.rest()
        assert client.close_code != 1000
        async with connected_client(servers.owner_url, headers={"Auricle-Resume": f"{session.token} 1"}) as again:
            assert "held" in await again.start()


async def test_a_page_that_comes_to_another_gateway_resumes_too(engine: Engine, tmp_path: Path) -> None:
    """With its key and its stream in subprotocols; and its leave for a while is passed on as one."""
    async with pair(engine, tmp_path, api_keys=("secret",)) as servers:
        offered = ("auricle.v1", "auricle.token.secret")
        async with connected_client(servers.owner_url, protocols=offered) as client:
            ready = await client.start(latency_ms=80)
            cut(client)
        back_again = (*offered, f"auricle.resume.{ready['resume_token']}.1")
        for leaves in (True, False):
            async with connected_client(servers.relay_url, protocols=back_again) as again:
                assert again.socket.protocol == "auricle.v1"
                assert "held" in await again.start()
                if leaves:
                    await again.socket.close(code=4000)
                    continue
                await again.send_audio(BYTES)
                await again.end()
                assert (again.text, again.close_code) == (TEXT, 1000)


async def test_a_gateway_that_drains_waits_for_what_it_proxies(engine: Engine, tmp_path: Path) -> None:
    async with pair(engine, tmp_path) as servers, passed_on(servers) as (client, _):
        draining = asyncio.create_task(servers.relay.drain())
        await client.send_audio(BYTES)
        await client.event("interim")
        assert not draining.done()
        await client.end()
        assert (client.text, client.close_code) == (TEXT, 1000)
        await asyncio.wait_for(draining, 5)


async def test_events_may_be_bigger_than_the_messages_of_clients(engine: Engine, tmp_path: Path) -> None:
    async with pair(engine, tmp_path, message_bytes=256) as servers, passed_on(servers) as (client, _):
        await client.send_audio(AUDIO, piece=256)
        await client.end()
        assert (client.text, client.close_code) == (TEXT, 1000)


async def test_a_message_too_big_is_refused_by_the_proxy_too(engine: Engine, tmp_path: Path) -> None:
    async with pair(engine, tmp_path, message_bytes=1024) as servers, passed_on(servers) as (client, _):
        await client.socket.send_bytes(bytes(4096))
        await client.rest()
        assert client.close_code == 1009
