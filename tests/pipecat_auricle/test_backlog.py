"""What waits for the server: in order, and bounded."""

from __future__ import annotations

import asyncio

from auricle.protocol.client_messages import Finalize
from pipecat_auricle.backlog import Backlog, Said


async def test_it_keeps_the_order() -> None:
    backlog = Backlog(100)
    said: list[Said] = [b"ab", Finalize("1"), b"cd"]
    for item in said:
        assert not backlog.put(item)
    assert [await backlog.get() for _ in said] == said


async def test_the_oldest_audio_goes_first_and_what_was_said_before_it() -> None:
    backlog, said = Backlog(4), list[Said]([b"ab", Finalize("of ab"), b"cd"])
    for item in said:
        assert not backlog.put(item)
    assert backlog.put(b"ef")
    assert [await backlog.get() for _ in range(3)] == [Finalize("of ab"), b"cd", b"ef"]
    assert not backlog.put(b"ghij")


async def test_a_reader_waits_for_the_next() -> None:
    backlog = Backlog(4)
    reader = asyncio.create_task(backlog.get())
    await asyncio.sleep(0)
    assert not reader.done()
    backlog.put(b"ab")
    assert await reader == b"ab"
