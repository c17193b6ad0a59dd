"""Who follows the state gets each reading, and nobody reads it for nobody."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from auricle_server.gateway.errors import AtCapacity
from auricle_server.gateway.http.routes import status_board
from auricle_server.gateway.http.routes.status_board import MOST_READERS, StatusBoard
from tests.auricle_server.raw_client import until


class Readings:
    """Counts readings."""

    def __init__(self) -> None:
        self.count = self.forgotten = 0
        self.board = StatusBoard(self.read, self.forget)

    def read(self, _: float) -> dict[str, Any]:
        self.count += 1
        return {"count": self.count}

    def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Readings:
    monkeypatch.setattr(status_board, "READING_SECONDS", 0.01)
    return Readings()


async def test_all_readers_get_the_same_readings(readings: Readings) -> None:
    first, second = readings.board.follow(), readings.board.follow()
    assert json.loads(await anext(first)) == json.loads(await anext(second)) == {"count": 1}
    assert json.loads(await anext(first)) == json.loads(await anext(second)) == {"count": 2}
    await first.aclose()
    await second.aclose()


async def test_nothing_is_read_while_nobody_follows(readings: Readings) -> None:
    await asyncio.sleep(0.05)
    assert readings.count == 0
    reader = readings.board.follow()
    await anext(reader)
    await reader.aclose()
    assert readings.forgotten == 1
    before = readings.count
    await asyncio.sleep(0.05)
    assert readings.count == before
    again = readings.board.follow()
    assert json.loads(await anext(again)) == {"count": before + 1}  # no old one
    await again.aclose()


async def test_who_is_late_gets_the_newest_next(readings: Readings) -> None:
    reader = readings.board.follow()
    await anext(reader)
    await until(lambda: readings.count >= 5)
    assert json.loads(await anext(reader))["count"] >= 5
    await reader.aclose()


async def test_readers_are_bounded_and_leave_their_places(readings: Readings) -> None:
    readers = [readings.board.follow() for _ in range(MOST_READERS)]
    for reader in readers:
        await anext(reader)
    with pytest.raises(AtCapacity, match="as many as may"):
        await anext(readings.board.follow())
    await readers.pop().aclose()
    readers.append(readings.board.follow())
    await anext(readers[-1])
    for reader in readers:
        await reader.aclose()


async def test_the_end_is_told(readings: Readings) -> None:
    reader = readings.board.follow()
    await anext(reader)
    waiting = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    readings.board.close()
    readings.board.close()
    await waiting
    with pytest.raises(StopAsyncIteration):
        await anext(reader)
    late = readings.board.follow()  # a server that drains still answers once
    assert await anext(late)
    with pytest.raises(StopAsyncIteration):
        await anext(late)
