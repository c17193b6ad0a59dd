"""Keys, their limits and their usage, through a real server."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from auricle import ReconnectPolicy, ServerFull, connect
from auricle_server.gateway.keys.api_key import ApiKey, digest_of
from auricle_server.gateway.keys.keys_file_edit import add_key, revoke_key
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import RawClient, connected_client, until
from tests.support import tones

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)


class KeysFile:
    """A keys file of one test; see `secret`."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "keys.toml")

    def add(self, name: str, **fields: Any) -> None:
        add_key(self.path, ApiKey(name=name, digest=digest_of(secret(name)), **fields), NOW)

    def break_file(self) -> None:
        """Leaves half a line of it."""
        Path(self.path).write_text("[[key]")


@pytest.fixture
def keys(tmp_path: Path) -> KeysFile:
    return KeysFile(tmp_path)


def header(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret(name)}"}


def secret(name: str) -> str:
    """As long as real ones: those are not guessed, and so not throttled."""
    return f"{name}-0123456789-0123456789-0123456789"


async def answer_to(url: str, headers: dict[str, str]) -> tuple[int, str, int | None]:
    """Status, code and Retry-After of an upgrade request; 101 when a stream opens, which is ended again."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    address, headers = f"{url.replace('ws', 'http', 1)}/v1/stream", {**upgrade, **headers}
    async with aiohttp.ClientSession() as http, http.get(address, headers=headers) as answer:
        if answer.status == 101:
            answer.close()
            return 101, "", None
        wait = answer.headers.get("Retry-After")
        return answer.status, (await answer.json())["code"], None if wait is None else int(wait)


async def metric(url: str, name: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + "/metrics") as answer:
        found = [line for line in (await answer.text()).splitlines() if line.startswith(name + " ")]
    return float(found[0].split()[-1]) if found else 0.0


async def talk(client: RawClient) -> str:
    """Says something and ends the stream."""
    audio, text = tones.utterance(11, 2)
    await client.send_audio(audio)
    await client.end()
    assert client.text == text
    return text


async def test_one_key_cannot_take_everything(serve: Serve, keys: KeysFile) -> None:
    keys.add("a", max_streams=2)
    keys.add("b")
    async with serve(keys_file=keys.path) as url:
        async with connected_client(url, headers=header("a")) as first, connected_client(url, headers=header("a")) as _:
            await first.start()
            assert await answer_to(url, header("a")) == (429, "too_many_streams", 2)
            assert await metric(url, 'auricle_key_streams{key="a"}') == 2
            assert await metric(url, 'auricle_key_refused_total{key="a"}') == 1
            async with connected_client(url, headers=header("b")) as other:
                await other.start()
                await talk(other)
            await talk(first)
        await until(lambda: _opens(url, "a"))


async def _opens(url: str, name: str) -> bool:
    return (await answer_to(url, header(name)))[0] == 101


async def test_a_stream_that_waits_to_be_resumed_still_counts(serve: Serve, keys: KeysFile) -> None:
    keys.add("a", max_streams=1)
    async with serve(keys_file=keys.path, resume_seconds=1.5) as url:
        async with connected_client(url, headers=header("a")) as client:
            await client.start()
            transport = client.socket._response.connection.transport  # type: ignore[union-attr]
            assert transport is not None
            transport.abort()
        await until(lambda: _is(url, "auricle_streams", 0))
        assert (await answer_to(url, header("a")))[0] == 429
        await until(lambda: _opens(url, "a"))


async def _is(url: str, name: str, value: float) -> bool:
    return await metric(url, name) == value


async def test_a_key_opens_so_many_streams_a_minute(serve: Serve, keys: KeysFile) -> None:
    keys.add("a", max_new_streams_per_minute=3)
    async with serve(keys_file=keys.path) as url:
        answers = [await answer_to(url, header("a")) for _ in range(5)]
        assert [status for status, _, _ in answers] == [101, 101, 101, 429, 429]
        assert answers[-1][1] == "too_many_streams"
        assert 50 <= (answers[-1][2] or 0) <= 65


async def test_streams_that_a_full_server_refused_are_not_the_keys(serve: Serve, keys: KeysFile) -> None:
    keys.add("a", max_streams=2, max_new_streams_per_minute=2)
    keys.add("b")
    async with serve(keys_file=keys.path) as url:
        holders = [asyncio.create_task(_hold(url, "b")) for _ in range(6)]
        await until(lambda: _is(url, 'auricle_key_streams{key="b"}', 6))
        assert {(await answer_to(url, header("a")))[:2] for _ in range(5)} == {(503, "server_full")}
        for holder in holders:
            holder.cancel()
        await until(lambda: _opens(url, "a"))


async def _hold(url: str, name: str) -> None:
    async with connected_client(url, headers=header(name)) as client:
        await client.start()
        await asyncio.Event().wait()


async def test_keys_change_without_a_restart(serve: Serve, keys: KeysFile) -> None:
    keys.add("a")
    async with serve(keys_file=keys.path) as url, connected_client(url, headers=header("a")) as client:
        await client.start()
        assert (await answer_to(url, header("b")))[:2] == (401, "unauthorized")
        keys.add("b")
        await until(lambda: _opens(url, "b"))
        revoke_key(keys.path, "a")
        await until(lambda: _is_refused(url, "a"))
        await talk(client)


async def _is_refused(url: str, name: str) -> bool:
    return (await answer_to(url, header(name)))[1] == "unauthorized"


async def test_only_its_own_key_resumes_a_stream(serve: Serve, keys: KeysFile) -> None:
    keys.add("a")
    keys.add("b")
    async with serve(keys_file=keys.path) as url, connected_client(url, headers=header("a")) as client:
        token = (await client.start())["resume_token"]
        for name, held in (("b", False), ("a", True)):
            headers = {**header(name), "Auricle-Resume": f"{token} 1"}
            async with connected_client(url, headers=headers) as other:
                ready = await other.start()
                assert (ready.get("held") is not None) == held
                if held:
                    await talk(other)


async def test_wrong_keys_are_throttled_and_right_ones_are_not(serve: Serve, keys: KeysFile) -> None:
    keys.add("a")
    async with serve(keys_file=keys.path) as url, connected_client(url, headers=header("a")) as client:
        await client.start()
        answers = [await answer_to(url, header(f"wrong-{number}")) for number in range(100)]
        assert Counter(status for status, _, _ in answers) == {401: 20, 429: 80}
        assert answers[0] == (401, "unauthorized", None)
        assert answers[-1][1] == "unauthorized"
        assert 50 <= (answers[-1][2] or 0) <= 65
        assert (await answer_to(url, header("a")))[0] == 101
        await talk(client)


async def test_usage_is_counted_for_each_key(serve: Serve, keys: KeysFile, tmp_path: Path) -> None:
    keys.add("a")
    keys.add("b")
    usage = tmp_path / "usage.jsonl"
    async with serve(keys_file=keys.path, usage_file=str(usage)) as url:
        for name in ("a", "b", "a"):
            async with connected_client(url, headers=header(name)) as client:
                await client.start()
                await talk(client)
        seconds = len(tones.utterance(11, 2)[0]) / 16000
        assert await metric(url, 'auricle_key_streams_opened_total{key="a"}') == 2
        assert await metric(url, 'auricle_key_audio_seconds_total{key="a"}') == pytest.approx(2 * seconds, abs=0.2)
        assert await metric(url, 'auricle_key_finals_total{key="b"}') >= 1
    lines = [json.loads(line) for line in usage.read_text().splitlines()]
    used = {name: sum(line["audio_seconds"] for line in lines if line["key"] == name) for name in ("a", "b")}
    assert used == {"a": pytest.approx(2 * seconds, abs=0.2), "b": pytest.approx(seconds, abs=0.1)}
    assert [sum(line["streams"] for line in lines if line["key"] == name) for name in ("a", "b")] == [2, 1]
    assert all(line["finals"] >= 1 and line["ended"] for line in lines)


async def test_a_client_hears_that_it_is_the_key_that_is_full_and_waits(serve: Serve, keys: KeysFile) -> None:
    keys.add("a", max_streams=1)
    never, patient = ReconnectPolicy(attempts=0), ReconnectPolicy(attempts=20)
    async with serve(keys_file=keys.path, retry_after_seconds=1) as url:
        async with connect(url, api_key=secret("a")):
            with pytest.raises(ServerFull, match="the API key a has 1 streams, as many as it may have") as refused:
                async with connect(url, api_key=secret("a"), reconnect=never):
                    pytest.fail("the key may have one stream")
            assert refused.value.retry_after == 1
        async with connect(url, api_key=secret("a"), reconnect=patient) as stream:
            await stream.end()


async def test_a_page_needs_an_origin_that_its_key_allows(serve: Serve, keys: KeysFile) -> None:
    keys.add("page", allowed_origins=("https://app.example.com",))
    keys.add("any")
    async with serve(keys_file=keys.path, allowed_origins=("https://other.example.com",)) as url:
        answers = {}
        for name in ("page", "any"):
            for origin in ("https://app.example.com", "https://other.example.com"):
                answers[name, origin[8:11]] = (await answer_to(url, {**header(name), "Origin": origin}))[:2]
        refused = (403, "origin_not_allowed")
        assert answers == {
            ("page", "app"): (101, ""),
            ("page", "oth"): refused,
            ("any", "app"): refused,
            ("any", "oth"): (101, ""),
        }
        assert (await answer_to(url, header("page")))[0] == 101, "a program names no origin"
