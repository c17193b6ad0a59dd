"""The dashboard and the rules before a real Prometheus, which scrapes a real server that has streams and faults."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml

from auricle import ServerFull, Stream, TurnSettings
from auricle.client import AuricleClient
from auricle.protocol.client_messages import Start
from auricle_server.config import ServerConfig
from docs.tables.alerts import RULES, rules
from tests.deploy.programs import DEPLOY, free_ports, program, running
from tests.support import tones
from tests.support.servers.server_thread import serving_in_a_thread

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "auricle.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SOUND = "Judgements of turns, 95th percentile"
QUIET = {
    "Cures",
    "Drains",
    "Workers lost",
    "Workers lost in an hour",
    "Resumed",
    "Judgements of turns, 95th percentile",
}
"""Panels that a well server leaves empty or at 0."""
ALWAYS_ZERO = {"judgements", "late"}
"""The test's server has no models for the sound of turns."""
KEY = "dashboard-key"
_SECONDS = 60.0
module_loop = pytest.mark.asyncio(loop_scope="module")


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/"

    async def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer; an error of Prometheus fails the test."""
        async with aiohttp.ClientSession() as http, http.get(self._url + path, params=parameters) as answer:
            body = await answer.json()
        assert body["status"] == "success", (parameters, body)
        return body["data"]

    async def values(self, expression: str) -> list[float]:
        """The numbers that an expression has now."""
        result = (await self.get("query", query=expression))["result"]
        return [number for each in result if (number := float(each["value"][1])) == number]  # not NaN


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    config = ServerConfig(max_load=0, slots=3, api_keys=(KEY,))
    with serving_in_a_thread(config, model=str(tones.CHECKPOINT)) as url:
        yield url


@pytest.fixture(scope="module")
def prometheus(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    (port,) = free_ports(1)
    target = {"job_name": "auricle", "static_configs": [{"targets": [server.removeprefix("ws://")]}]}
    intervals = {"scrape_interval": "250ms", "evaluation_interval": "500ms"}
    config = folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump({"global": intervals, "rule_files": [str(RULES)], "scrape_configs": [target]}))
    command = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with running(program("prometheus", debian="prometheus"), *command, port=port, log=folder / "log"):
        yield Prometheus(port)


def filled_in(expression: str) -> str:
    """As Grafana sends it, with all servers chosen, over a time that suits the scrapes of this test."""
    values = {"$__rate_interval": "1m", "$job": ".*", "$instance": ".*"}
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scraped(server: str, prometheus: Prometheus) -> AsyncIterator[Prometheus]:
    """The same, while streams speak, and clients make mistakes."""
    over = asyncio.Event()
    talking = asyncio.create_task(talk(server, over))
    yield prometheus
    assert not talking.done(), talking
    over.set()
    await talking


async def talk(server: str, over: asyncio.Event) -> None:
    """Two streams speak until `over`; others come and go."""
    pcm, _ = tones.utterance(5, 6, trailing=1.0)
    audio = pcm.tobytes()
    async with AuricleClient(server, api_key=KEY) as client, aiohttp.ClientSession() as http:
        streams = [await client.open(Start(turn=TurnSettings(mode))) for mode in ("silence", "off")]
        reading = [asyncio.create_task(read(stream)) for stream in streams]
        while not over.is_set():
            for stream in streams:
                await stream.send(audio)
                await stream.finalize()
            await as_deepgram(server, audio, http)
            await mistakes(server, client, http)
            await asyncio.sleep(0.3)
        for stream in streams:
            await stream.end()
        await asyncio.gather(*reading)


async def read(stream: Stream) -> None:
    async for _ in stream:
        pass


async def as_deepgram(server: str, audio: bytes, http: aiohttp.ClientSession) -> None:
    """A short stream in another server's format."""
    query, headers = "/v1/listen?encoding=linear16&sample_rate=16000", {"Authorization": f"Token {KEY}"}
    with suppress(aiohttp.WSServerHandshakeError):  # the slot of the stream before may not be free yet
        async with http.ws_connect(server + query, headers=headers) as socket:
            await socket.send_bytes(audio)


async def mistakes(server: str, client: AuricleClient, http: aiohttp.ClientSession) -> None:
    """A stream too many, a message that is no JSON, and a request that is no HTTP."""
    with suppress(ServerFull):  # one slot is free, so the second finds none
        async with await client.open():
            await client.open()
    headers = {"Authorization": f"Bearer {KEY}"}
    with suppress(aiohttp.WSServerHandshakeError):  # the slot of the stream before may not be free yet
        async with http.ws_connect(f"{server}/v1/stream", headers=headers) as socket:
            await socket.send_str("no JSON")
            await socket.receive()
    host, _, port = server.removeprefix("ws://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"no HTTP\r\n\r\n")
    await reader.read()
    writer.close()


async def until(condition: Callable[[], Awaitable[list[str]]]) -> None:
    """Waits until nothing is missing, and fails with what is."""
    end = time.monotonic() + _SECONDS
    while missing := await condition():
        assert time.monotonic() < end, missing
        await asyncio.sleep(0.3)


@module_loop
async def test_every_panel_that_a_stream_moves_has_data(scraped: Prometheus) -> None:
    async def empty() -> list[str]:
        return [
            f"{panel['title']}: {target['expr']}"
            for panel in PANELS
            if panel["title"] not in QUIET
            for target in panel["targets"]
            if target["legendFormat"] not in ALWAYS_ZERO and not any(await scraped.values(filled_in(target["expr"])))
        ]

    await until(empty)


@module_loop
async def test_every_query_is_one_for_prometheus(scraped: Prometheus) -> None:
    assert len(PANELS) > 20
    for panel in PANELS:
        for target in panel["targets"]:
            await scraped.get("query", query=filled_in(target["expr"]))


@module_loop
async def test_every_variable_finds_the_server(scraped: Prometheus, server: str) -> None:
    queries = [each["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"]
    found = []
    for query in queries:
        match = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
        assert match
        found.append(await scraped.get(f"label/{match[2]}/values", **{"match[]": filled_in(match[1])}))
    assert found == [["auricle"], [server.removeprefix("ws://")]]


@module_loop
async def test_prometheus_records_what_the_rules_say_and_nothing_fails(scraped: Prometheus) -> None:
    async def unrecorded() -> list[str]:
        names = [rule["record"] for rule in rules() if "record" in rule and "judgements" not in rule["record"]]
        return [name for name in names if not await scraped.values(name)]

    await until(unrecorded)
    groups = (await scraped.get("rules"))["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []
    # Streams find it full here: the alert waits for its five minutes.
    pending = {rule["name"] for group in groups for rule in group["rules"] if rule.get("state") == "pending"}
    assert "AuricleStreamsRefused" in pending


def test_every_panel_says_what_it_shows_and_has_a_place_of_its_own() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert all(panel["title"] and panel["targets"] for panel in PANELS)
