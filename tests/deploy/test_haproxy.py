"""HAProxy, with the configuration of `deploy/haproxy`, before three real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

from tests.deploy.programs import free_ports, output, program
from tests.support.servers.cutting_proxy import CuttingProxy
from tests.torture.behind_proxy.fleet import FleetServer, filled, fleet
from tests.torture.behind_proxy.haproxy import CONFIG, haproxy
from tests.torture.behind_proxy.rolling_restart import LARGE, SMALL, roll
from tests.torture.calls import LiveCalls

module_loop = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Fleet:
    """Three servers behind HAProxy.

    Attributes:
        url: Of the proxy.
        metrics: Of the proxy.
        servers: Behind it.
    """

    url: str
    metrics: str
    servers: list[FleetServer]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def behind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    folder, ports = tmp_path_factory.mktemp("fleet"), free_ports(3)
    async with fleet(folder, ports, (SMALL, LARGE, LARGE)) as servers:
        with haproxy(ports, folder) as (url, metrics):
            yield Fleet(url, metrics, servers)


def test_haproxy_takes_the_configuration() -> None:
    written = output(program("haproxy", debian="haproxy"), "-c", "-f", CONFIG)
    assert "Configuration file is valid" in written


@module_loop
@pytest.mark.slow
async def test_only_the_paths_of_streams_are_open_to_the_outside(behind: Fleet) -> None:
    url = behind.url.replace("ws", "http", 1)
    async with aiohttp.ClientSession() as http:
        for path, status in {
            "/metrics": 404,
            "/readyz": 404,
            "/": 404,
            "/v1/stream": 426,
            "/haproxy-alive": 200,
        }.items():
            async with http.get(url + path) as answer:
                assert (path, answer.status) == (path, status)
        async with http.get(behind.metrics) as answer:
            assert 'haproxy_server_status{proxy="auricle",server="auricle-1",state="UP"} 1' in await answer.text()


@module_loop
@pytest.mark.slow
async def test_a_resumed_stream_finds_its_server_whatever_the_others_hold(behind: Fleet) -> None:
    """Without the rule, two of three returns would go to a server that does not have the stream."""
    proxy = CuttingProxy(behind.url, seed=3, cuts=0)
    async with proxy.running() as url:
        calls = LiveCalls(url, 6, 40, "cut call ", 30.0)
        try:
            for _ in range(4):
                await asyncio.sleep(1.5)
                proxy._cut()
        finally:
            await asyncio.sleep(1.5)
            outcomes = await calls.finish()
    assert [problem for outcome in outcomes.values() for problem in outcome.problems()] == []
    outages = sum(len(outcome.outages) for outcome in outcomes.values())
    assert outages >= 6 * 3  # a call that connects just then is not cut
    assert sum(outcome.resumed for outcome in outcomes.values()) == outages


@module_loop
@pytest.mark.slow
async def test_no_word_is_lost_and_no_stream_refused_while_servers_fill_die_and_restart(behind: Fleet) -> None:
    result = await roll(behind.url, behind.servers, rounds=1, seed=70, answer_timeout=30.0)
    assert result.holds, result.problems
    assert (result.lost, result.added, result.ended) == (0, 0, 0)
    assert result.counts["restarts"] == 3
    assert result.counts["words"] > 200
    assert result.counts["breaks of calls"] >= 12


@module_loop
@pytest.mark.slow
async def test_only_when_all_are_full_a_stream_is_refused_and_is_told_why(behind: Fleet) -> None:
    async with filled(behind.servers[0]), filled(behind.servers[1]), filled(behind.servers[2]):
        for _ in range(2):  # at once, when the servers say so, and later, when HAProxy knows it
            async with aiohttp.ClientSession() as http:
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await http.ws_connect(f"{behind.url}/v1/stream")
            assert refused.value.status == 503
            assert refused.value.headers is not None
            assert refused.value.headers["Auricle-Error"].startswith("server_full: ")
            assert refused.value.headers["Retry-After"] == "2"
            await asyncio.sleep(2.5)
