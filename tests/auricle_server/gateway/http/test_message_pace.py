"""A client that sends more messages than it could mean harms itself alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from auricle_server.gateway.http.message_pace import MessagePace
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import RawClient, connected_client
from tests.support import tones

Send = Callable[[RawClient, int], Awaitable[None]]


async def change_settings(client: RawClient, number: int) -> None:
    await client.send(type="update", latency_ms=(80, 160, 560)[number % 3], refine=("on", "off")[number % 2])


async def finalize(client: RawClient, number: int) -> None:
    await client.send(type="finalize", id=str(number))


async def ping(client: RawClient, number: int) -> None:
    await client.socket.ping(str(number).encode())


async def send_nothing(client: RawClient, number: int) -> None:
    await client.socket.send_bytes(b"\0\0" * (number % 2))


@pytest.mark.parametrize("flood", [change_settings, finalize, ping, send_nothing], ids=lambda each: each.__name__)
async def test_a_flood_of_messages_delays_nobody_else(serve: Serve, flood: Send) -> None:
    audio, text = tones.utterance(88, 3)
    async with serve() as url, connected_client(url) as hostile, connected_client(url) as honest:
        await hostile.start()
        await honest.start(latency_ms=80)

        async def attack() -> None:
            for number in itertools.count():
                await flood(hostile, number)
                await asyncio.sleep(0)  # the two clients share a loop, and sending alone does not yield

        async def ignore() -> None:
            async for _ in hostile.socket:
                pass

        tasks = [asyncio.create_task(attack()), asyncio.create_task(ignore())]
        try:
            async with asyncio.timeout(100):
                # The server takes no more, so the client's own buffers fill and it stands.
                await asyncio.sleep(3)
                await honest.send_audio(audio)
                for number in range(20):
                    await honest.send(type="finalize", id=str(number))
                    while (await honest.event("final")).get("finalize_id") != str(number):
                        pass
                await honest.end()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert (honest.text, honest.close_code) == (text, 1000)


def test_a_long_text_counts_as_several() -> None:
    pace = MessagePace(lambda: 0.0)
    long = 99 * MessagePace.TEXT_CHARACTERS
    assert [pace.on_text(long, is_update=True), pace.on_text(0, is_update=True)] == pytest.approx([0.0, 1 / 25])
    assert pace.on_text(10, is_update=False) == 0.0, "a finalize is no update"
    assert pace.on_text(MessagePace.TEXT_CHARACTERS, is_update=False) == pytest.approx(3 / 25)


def test_what_agents_send_is_never_held_up() -> None:
    now = 0.0
    pace = MessagePace(lambda: now)
    for _ in range(10 * 200):  # ten seconds of the shortest packets, and with every tenth a change of settings
        assert pace.on_small() == 0.0
        if round(now / 0.005) % 10 == 0:
            assert pace.on_text(100, is_update=True) == 0.0
        now += 0.005
