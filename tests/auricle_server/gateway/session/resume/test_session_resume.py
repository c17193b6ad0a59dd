"""A client whose connection was cut resumes its stream: no word comes twice, and none is missing."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from auricle_server.engine import Engine
from auricle_server.gateway.http.resume_proxy import RESUME_PATH
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import Event, RawClient, connected_client, quiet, transcribed, until
from tests.support import tones

AUDIO, TEXT = tones.utterance(7, 10)
BYTES = AUDIO.astype("<i2").tobytes()


def back(ready: Event, seq: int) -> dict[str, str]:
    return {"Auricle-Resume": f"{ready['resume_token']} {seq}"}


def cut(client: RawClient) -> None:
    """Breaks the connection without a close frame."""
    connection = client.socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.abort()


async def metric(url: str, name: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws:", "http:") + "/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))


async def gone(url: str) -> None:
    """Waits until the server has noticed that the connection is cut."""

    async def nobody() -> bool:
        return await metric(url, "auricle_streams") == 0

    await until(nobody)


@pytest.mark.parametrize("held", [0, 40_002, 77_778, len(BYTES)])
async def test_a_stream_goes_on_where_it_was(url: str, held: int) -> None:
    unbroken = await transcribed(url, AUDIO, latency_ms=80)
    async with connected_client(url) as client:
        ready = await client.start(latency_ms=80)
        await client.send_audio(BYTES[:held])
        if held:
            await client.event("interim")
        cut(client)
        before = list(client.events)
    await gone(url)
    async with connected_client(url, headers=back(ready, before[-1]["seq"])) as again:
        resumed = await again.start(latency_ms=80)
        assert resumed["session"] == ready["session"]
        assert resumed["seq"] == before[-1]["seq"]
        assert resumed["resume_token"] == ready["resume_token"]
        assert resumed["held"] == {"samples": held // 2, "messages": 0}
        await again.send_audio(BYTES[held:])
        await again.end()
        assert again.close_code == 1000
        seqs = [event["seq"] for event in [*before, *again.events[1:]]]
        assert seqs == sorted(set(seqs))
        assert again.text == unbroken == TEXT


async def test_events_that_were_on_their_way_come_again(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start(latency_ms=80, turn={"mode": "off"})
        await client.send_audio(AUDIO)
        await client.send(type="finalize", id="a")
        final = await client.event("final")
        cut(client)
    await gone(url)
    async with connected_client(url, headers=back(ready, ready["seq"])) as again:
        resumed = await again.start(latency_ms=80)
        assert resumed["held"] == {"samples": len(AUDIO), "messages": 1}
        assert await again.event("final") == final
        assert [kind for kind in again.kinds if kind == "interim"] == []
        assert await again.end() == []


async def test_the_last_words_wait_for_a_client_that_has_said_the_end(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start()
        await client.send_audio(AUDIO)
        await client.send(type="end")
        cut(client)
    await gone(url)
    async with connected_client(url, headers=back(ready, ready["seq"])) as again:
        resumed = await again.start()
        if resumed["held"]["messages"] == 0:  # the cut was faster than the end
            await again.send_audio(BYTES[2 * resumed["held"]["samples"] :])
            await again.send(type="end")
        await again.rest()
        assert (again.text, again.close_code) == (TEXT, 1000)


async def test_a_new_connection_takes_over_from_one_that_only_seems_alive(url: str) -> None:
    async with connected_client(url) as stale:
        ready = await stale.start()
        await stale.send_audio(BYTES[:32_000])
        seq = (await stale.event("interim"))["seq"]
        async with connected_client(url, headers=back(ready, seq)) as again:
            resumed = await again.start()
            assert resumed["held"]["samples"] == 16_000
            await again.send_audio(BYTES[32_000:])
            await again.end()
            assert again.text == TEXT
        await stale.rest()
        assert stale.close_code != 1000


async def test_full_is_no_obstacle_to_a_stream_that_has_its_slot(serve: Serve, engine: Engine) -> None:
    async with serve() as url, connected_client(url) as client:
        ready = await client.start()
        others = [connected_client(url) for _ in range(5)]
        for other in others:
            await (await other.__aenter__()).start()
        assert engine.slots_used == 6
        cut(client)
        async with connected_client(url, headers=back(ready, 1)) as again:
            assert (await again.start())["held"] == {"samples": 0, "messages": 0}
        for other in others:
            await other.__aexit__(None, None, None)


@pytest.mark.parametrize("resume_seconds", [0.0, 0.2])
async def test_a_stream_that_is_not_resumed_gives_its_slot_back(
    serve: Serve, engine: Engine, resume_seconds: float
) -> None:
    async with serve(resume_seconds=resume_seconds) as url:
        async with connected_client(url) as client:
            ready = await client.start()
            assert ("resume_token" in ready) is (resume_seconds > 0)
            ready.setdefault("resume_token", "none")
            cut(client)
        await until(lambda: engine.slots_used == 0)
        async with connected_client(url, headers=back(ready, 1)) as again:
            fresh = await again.start()
            assert "held" not in fresh
            assert fresh["session"] != ready["session"]


async def test_a_client_that_closed_its_stream_has_left_it(url: str, engine: Engine) -> None:
    async with connected_client(url) as client:
        ready = await client.start()
        await client.socket.close()
    await until(lambda: engine.slots_used == 0)
    async with connected_client(url, headers=back(ready, 1)) as again:
        assert "held" not in await again.start()


async def test_a_return_that_is_cut_itself_can_be_tried_again(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start()
        await client.send_audio(BYTES[:32_000])
        cut(client)
    for say in (False, True):
        async with connected_client(url, headers=back(ready, 1)) as again:
            if say:
                await again.start()
            cut(again)
    async with connected_client(url, headers=back(ready, 1)) as again:
        held = (await again.start())["held"]["samples"]
        await again.send_audio(BYTES[2 * held :])
        await again.end()
        assert again.text == TEXT


@pytest.mark.parametrize("resume", ["guess 1", "", " ", "guess", "x y z", "\u00e9 1"])
async def test_a_client_with_an_unknown_token_gets_a_new_stream(url: str, resume: str) -> None:
    async with connected_client(url, headers={"Auricle-Resume": resume}) as client:
        assert "held" not in await client.start()


async def test_a_client_that_claims_to_know_the_future_gets_a_new_stream(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start()
        cut(client)
    async with connected_client(url, headers=back(ready, 99)) as again:
        assert "held" not in await again.start()


@pytest.mark.parametrize(
    "first", [{"type": "start", "sample_rate": 8000}, {"type": "start", "encoding": "mulaw"}, {"type": "end"}]
)
async def test_a_client_that_resumes_must_start_as_before(url: str, first: dict[str, Any]) -> None:
    async with connected_client(url) as client:
        ready = await client.start()
        cut(client)
    async with connected_client(url, headers=back(ready, 1)) as again:
        await again.socket.send_str(json.dumps(first))
        (error,) = await again.rest()
        assert error["type"] == "error"
        assert error["fatal"] is True


async def test_a_client_that_has_missed_too_many_events_gets_a_new_stream(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start(latency_ms=80)
        for number in range(40):
            await client.send(type="finalize", id=str(number))
            await client.send_audio(quiet(0.1))
        while (await client.event("final"))["finalize_id"] != "39":
            pass
        cut(client)
    async with connected_client(url, headers=back(ready, 1)) as again:
        assert "held" not in await again.start()


async def test_settings_in_force_stay(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start(latency_ms=80, turn={"mode": "silence", "silence_ms": 400})
        assert ready["chunks"] == {"first": 0.0125, "step": 0.08}
        await client.send(type="update", latency_ms=560)
        await client.send(type="finalize", id="now")
        await client.event("final")
        cut(client)
    async with connected_client(url, headers=back(ready, 2)) as again:
        resumed = await again.start(latency_ms=80)
        assert resumed["latency_ms"] == 560
        assert "chunks" not in resumed
        assert resumed["held"]["messages"] == 2


async def test_resumed_streams_are_counted(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start()
        cut(client)
    async with connected_client(url, headers=back(ready, 1)) as again:
        await again.start()
    assert await metric(url, "auricle_resumed_total") == 1


async def test_a_stale_connection_that_waits_for_room_is_let_go(url: str) -> None:
    async with connected_client(url) as stale:
        ready = await stale.start(latency_ms=80)
        flood = asyncio.create_task(stale.send_audio(quiet(300), piece=1 << 19))
        await stale.event("settled")
        async with connected_client(url, headers=back(ready, stale.events[-1]["seq"])) as again:
            assert "held" in await again.start()
            await again.end()
            assert again.close_code == 1000
        with suppress(ConnectionError):
            await flood
        await gone(url)


async def test_streams_that_are_over_hold_no_slots_for_clients_that_do_not_close(url: str) -> None:
    for _ in range(6):
        async with connected_client(url, autoclose=False) as client:
            await client.start()
            await client.send(type="end")
            await client.rest()
            cut(client)
    await gone(url)
    async with connected_client(url) as client:
        await client.start()
        await client.end()
        assert client.close_code == 1000


async def test_what_is_no_websocket_does_not_end_a_stream(url: str) -> None:
    async with connected_client(url) as client:
        ready = await client.start()
        cut(client)
    await gone(url)
    http_url = url.replace("ws:", "http:")
    async with aiohttp.ClientSession() as http, http.get(http_url + RESUME_PATH, headers=back(ready, 1)) as answer:
        assert answer.status == 426
    async with connected_client(url, headers=back(ready, 1)) as again:
        assert "held" in await again.start()
