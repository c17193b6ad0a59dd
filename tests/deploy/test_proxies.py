"""HAProxy and Envoy, with the configurations of `deploy/`, before three real servers."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.deploy.programs import free_ports, output, program
from tests.support.servers.cutting_proxy import CuttingProxy
from tests.torture.behind_proxy import envoy, haproxy
from tests.torture.behind_proxy.fleet import FleetServer, filled, fleet
from tests.torture.behind_proxy.rolling_restart import LARGE, SMALL, roll
from tests.torture.calls import LiveCalls

PROXIES = {"haproxy": haproxy.haproxy, "envoy": envoy.envoy}
module_loop = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Fleet:
    """Three servers.

    Attributes:
        servers: The first is small.
        folder: For the proxies' logs.
    """

    servers: list[FleetServer]
    folder: Path

    @property
    def ports(self) -> list[int]:
        """Of each server."""
        return [server.port for server in self.servers]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    async with fleet(folder, free_ports(3), (SMALL, LARGE, LARGE)) as started:
        yield Fleet(started, folder)


@pytest.fixture(scope="module", params=list(PROXIES))
def url(request: pytest.FixtureRequest, servers: Fleet) -> Iterator[str]:
    """Of a proxy."""
    with PROXIES[request.param](servers.ports, servers.folder) as found:
        until_streams_are_taken(found)
        yield found


def until_streams_are_taken(url: str) -> None:
    """Waits for the proxy's first health checks, and for slots that the test before has given back."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url.replace("ws", "http", 1) + "/v1/stream", timeout=10)
        except urllib.error.HTTPError as error:
            if error.code == 426:  # a server has answered: this is no upgrade
                return
        time.sleep(0.1)
    raise AssertionError("the proxy found no server")


def test_haproxy_takes_the_configuration() -> None:
    written = output(program("haproxy", debian="haproxy"), "-c", "-f", haproxy.CONFIG)
    assert "Configuration file is valid" in written


def test_envoy_takes_the_configuration() -> None:
    output(program("envoy"), "--mode", "validate", "-c", envoy.CONFIG)


@module_loop
@pytest.mark.slow
async def test_haproxy_counts_for_prometheus(servers: Fleet) -> None:
    [port] = free_ports(1)
    with haproxy.haproxy(servers.ports, servers.folder, metrics=port):
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert 'haproxy_server_status{proxy="auricle",server="auricle-1",state="UP"} 1' in await answer.text()


@module_loop
@pytest.mark.slow
async def test_only_the_paths_of_streams_are_open_to_the_outside(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        for path, status in {"/metrics": 404, "/readyz": 404, "/": 404, "/v1/stream": 426}.items():
            async with http.get(url.replace("ws", "http", 1) + path) as answer:
                assert (path, answer.status) == (path, status)


@module_loop
@pytest.mark.slow
async def test_a_resumed_stream_finds_its_server_whatever_the_others_hold(url: str) -> None:
    """Without the rule, two of three returns would go to a server that does not have the stream."""
    proxy = CuttingProxy(url, seed=3, cuts=0)
    async with proxy.running() as cut:
        calls = LiveCalls(cut, 6, 40, "cut call ", 30.0)
        try:
            for _ in range(4):
                await asyncio.sleep(1.5)
                proxy._cut()
        finally:
            await asyncio.sleep(1.5)
            outcomes = await calls.finish()
    assert [problem for outcome in outcomes.values() for problem in outcome.problems()] == []
    outages = sum(len(outcome.outages) for outcome in outcomes.values())
    assert outages >= 6  # a call that connects just then is not cut, and a busy machine takes its time to connect
    assert sum(outcome.resumed for outcome in outcomes.values()) == outages


@module_loop
@pytest.mark.slow
async def test_a_page_resumes_by_subprotocol_and_finds_its_server(url: str) -> None:
    """As browsers do, which set no headers; also while the server drains no more than others: it is full."""
    async with aiohttp.ClientSession() as http:
        for _ in range(6):
            async with http.ws_connect(f"{url}/v1/stream", protocols=["auricle.v1"]) as socket:
                await socket.send_json({"type": "start"})
                token = (await socket.receive_json())["resume_token"]
                assert socket._response.connection is not None
                assert socket._response.connection.transport is not None
                socket._response.connection.transport.abort()
            protocols = ["auricle.v1", f"auricle.resume.{token}.1"]
            async with http.ws_connect(f"{url}/v1/stream", protocols=protocols) as socket:
                await socket.send_json({"type": "start"})
                assert "held" in await socket.receive_json()
                await socket.send_json({"type": "end"})
                await socket.receive()


@module_loop
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("url", ["haproxy"], indirect=True)
async def test_no_word_is_lost_and_no_stream_refused_while_servers_fill_die_and_restart(
    url: str, servers: Fleet
) -> None:
    result = await roll(url, servers.servers, rounds=1, seed=70, answer_timeout=30.0)
    assert result.holds, result.problems
    assert (result.lost, result.added, result.ended) == (0, 0, 0)
    assert result.counts["restarts"] == 3
    assert result.counts["words"] > 200
    assert result.counts["breaks of calls"] >= 12


@module_loop
@pytest.mark.slow
async def test_only_when_all_are_full_a_stream_is_refused_and_is_told_why(url: str, servers: Fleet) -> None:
    one, two, three = servers.servers
    async with filled(one), filled(two), filled(three):
        for _ in range(2):  # at once, when the servers say so, and later, when the proxy knows it
            async with aiohttp.ClientSession() as http:
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await http.ws_connect(f"{url}/v1/stream")
            assert refused.value.status == 503
            assert refused.value.headers is not None
            assert refused.value.headers["Auricle-Error"].startswith("server_full: ")
            assert refused.value.headers["Retry-After"] == "2"
            await asyncio.sleep(2.5)
