from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from auricle_server.demo.event_log import EventLog

FAR = 60.0


async def read(log: EventLog, count: int, pause: float = FAR) -> list[dict[str, Any] | None]:
    found: list[dict[str, Any] | None] = []
    async with asyncio.timeout(30), aclosing(log.follow(pause)) as events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_a_late_reader_gets_what_was_and_then_what_comes() -> None:
    log = EventLog()
    log.restart({"number": 1})
    log.publish({"number": 2})
    reading = asyncio.create_task(read(log, 3))
    await asyncio.sleep(0)  # the reader's first step
    assert log.readers == 1
    log.publish({"number": 3})
    assert await reading == [{"number": 1}, {"number": 2}, {"number": 3}]
    assert log.readers == 0


async def test_what_is_not_kept_reaches_only_who_reads_now() -> None:
    log = EventLog()
    reading = asyncio.create_task(read(log, 2))
    await asyncio.sleep(0)  # the reader's first step
    assert log.readers == 1
    log.publish({"clock": 1}, keep=False)
    log.publish({"number": 1})
    assert await reading == [{"clock": 1}, {"number": 1}]
    assert await read(log, 1) == [{"number": 1}]


async def test_a_restart_reaches_all_and_forgets_what_was() -> None:
    log = EventLog()
    log.publish({"number": 1})
    log.restart({"number": 2}, {"number": 3})
    assert await read(log, 2) == [{"number": 2}, {"number": 3}]


async def test_a_pause_is_told() -> None:
    assert await read(EventLog(), 2, pause=0.01) == [None, None]
