from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from auricle_server.gateway.http.metrics_page import MetricsPage


async def test_many_who_ask_get_one_page_and_none_gets_an_old_one() -> None:
    written = 0

    def write() -> bytes:
        nonlocal written
        written += 1
        time.sleep(0.01)
        return str(written).encode()

    page = MetricsPage(write)
    assert await asyncio.gather(*(page.text() for _ in range(500))) == [b"1"] * 500
    began = time.monotonic()
    for number in range(2, 7):
        assert await page.text() == str(number).encode()
    # Five pages of 10 ms, with nine times as long between them.
    assert time.monotonic() - began >= 5 * 0.09


async def test_who_gives_up_stops_nobody_else() -> None:
    page = MetricsPage(lambda: b"page")
    leaving, staying = asyncio.create_task(page.text()), asyncio.create_task(page.text())
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await staying == b"page"


async def test_a_page_that_fails_fails_for_those_who_asked_and_not_for_ever() -> None:
    pages: Iterator[bytes | Exception] = iter([ZeroDivisionError(), b"page"])

    def write() -> bytes:
        page = next(pages)
        if isinstance(page, Exception):
            raise page
        return page

    page = MetricsPage(write)
    with pytest.raises(ZeroDivisionError):
        await page.text()
    assert await page.text() == b"page"
