"""Keys of a server of several gateways and workers: real processes, which share what they count."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from auricle import Final, Start, connect
from auricle_server.config import ServerConfig
from auricle_server.gateway.keys.keys_file_edit import revoke_key
from auricle_server.serving.supervisor import serve
from tests.auricle_server.gateway.keys.test_access import KeysFile, answer_to, header, metric, secret
from tests.auricle_server.raw_client import connected_client, until
from tests.auricle_server.serving.supervised import serving
from tests.support import tones

pytestmark = pytest.mark.slow


@pytest.fixture
def keys(tmp_path: Path) -> KeysFile:
    return KeysFile(tmp_path)


async def test_limits_hold_over_gateways_and_workers_whatever_dies(keys: KeysFile) -> None:
    keys.add("a", max_streams=5)
    keys.add("b", max_new_streams_per_minute=4)
    options = {"slots": 8, "gateways": 2, "workers": 2, "max_load": 0.0, "resume_seconds": 0}
    async with serving(keys_file=keys.path, **options) as server, AsyncExitStack() as streams:
        answers = await asyncio.gather(*(answer_to(server.url, header("b")) for _ in range(20)))
        assert Counter(status for status, _, _ in answers) == {101: 4, 429: 16}
        for _ in range(5):
            client = await streams.enter_async_context(connected_client(server.url, headers=header("a")))
            await client.start()
        # New connections reach both gateways: the kernel spreads them.
        answers = await asyncio.gather(*(answer_to(server.url, header("a")) for _ in range(20)))
        assert {answer[:2] for answer in answers} == {(429, "too_many_streams")}
        assert await metric(server.url, 'auricle_key_streams{key="a"}') == 5
        for index in range(2):
            os.kill(server.pids(f"gateway-{index}")[0], signal.SIGKILL)
        for index in range(2):
            await server.until_pids(f"gateway-{index}", 2)
        await until(lambda: _opens(server.url, "a"), 120)
        statuses = [(await answer_to(server.url, {"Authorization": f"Bearer {n}"}))[0] for n in range(40)]
        assert Counter(statuses) == {401: 20, 429: 20}


async def _opens(url: str, name: str) -> bool:
    try:
        return (await answer_to(url, header(name)))[0] == 101
    except OSError:
        return False


async def test_calls_of_a_key_survive_what_dies_whatever_its_rate(keys: KeysFile) -> None:
    keys.add("a", max_streams=3, max_new_streams_per_minute=3)
    utterances = [tones.utterance(seed, 2) for seed in (11, 12, 13)]
    options = {"slots": 8, "gateways": 2, "max_load": 0.0, "resume_seconds": 0}

    async with serving(keys_file=keys.path, **options) as server:
        started = [asyncio.Event() for _ in utterances]
        killed = asyncio.Event()

        async def call(number: int) -> str:
            async with connect(server.url, api_key=secret("a"), start=Start(latency_ms=80)) as stream:
                await stream.send(utterances[number][0].tobytes())
                started[number].set()
                await killed.wait()
                await stream.end()
                return " ".join([event.text async for event in stream if isinstance(event, Final) and event.text])

        calls = [asyncio.create_task(call(number)) for number in range(3)]
        for event in started:
            await event.wait()
        for name in ("worker-0", "gateway-0", "gateway-1"):
            os.kill(server.pids(name)[-1], signal.SIGKILL)
        killed.set()
        assert await asyncio.wait_for(asyncio.gather(*calls), 120) == [text for _, text in utterances]


async def test_keys_are_reloaded_everywhere_and_running_streams_go_on(keys: KeysFile) -> None:
    keys.add("a")
    audio, text = tones.utterance(85, 2)
    async with serving(keys_file=keys.path, slots=12, gateways=2, max_load=0.0) as server, AsyncExitStack() as streams:
        client = await streams.enter_async_context(connected_client(server.url, headers=header("a")))
        await client.start()
        await client.send_audio(audio)
        keys.add("b")
        revoke_key(keys.path, "a")
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: server.log.count("keys read") == 4, 60)
        assert {(await answer_to(server.url, header("a")))[0] for _ in range(8)} == {401}
        assert {(await answer_to(server.url, header("b")))[0] for _ in range(8)} == {101}
        keys.break_file()
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: server.log.count("cannot reload keys") >= 2, 60)
        assert (await answer_to(server.url, header("b")))[0] == 101, "what was in force stays"
        await client.end()
        assert (client.text, client.close_code) == (text, 1000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"require_auth": True}, "cannot start: api_keys: this server needs a key: set AURICLE_API_KEYS"),
        ({"no_auth": True, "api_keys": ("x" * 32,)}, "cannot start: no_auth: expected no API keys beside it"),
        ({"keys_file": "no-such-file.toml"}, "cannot start: keys file no-such-file.toml: no such file"),
        ({"usage_file": "/no/such/folder/usage.jsonl"}, "cannot start: usage_file: /no/such/folder/usage.jsonl cannot"),
    ],
)
def test_a_server_that_must_not_start_says_why(
    options: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert serve(ServerConfig(**options)) == 1
    assert caplog.messages[-1].startswith(message)


@pytest.mark.parametrize(("options", "warned"), [({}, True), ({"no_auth": True}, False)])
def test_a_server_that_others_reach_warns_at_the_start(
    options: dict[str, Any], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # a port that is taken ends the start, after the warning
        config = ServerConfig(**{"host": "0.0.0.0", "port": taken.getsockname()[1], **options})
        assert serve(config) == 1
    assert any("MAY USE THIS SERVER" in message for message in caplog.messages) == warned
