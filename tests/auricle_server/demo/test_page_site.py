from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator

import aiohttp
import pytest

from auricle_server.demo import page_site
from auricle_server.demo.event_log import EventLog
from auricle_server.demo.page_site import PageSite
from auricle_server.demo.programme import Clip, compose

PROGRAMME = compose([Clip("Book a table.", "ann", bytes(16_000), speech_end=0.4)])


@pytest.fixture
async def site() -> AsyncIterator[PageSite]:
    site = PageSite(EventLog(), PROGRAMME)
    async with site.serving():
        yield site


@pytest.fixture
async def http(site: PageSite) -> AsyncIterator[aiohttp.ClientSession]:
    async with asyncio.timeout(60), aiohttp.ClientSession(base_url=site.url) as http:
        yield http


@pytest.mark.parametrize(
    ("path", "kind"), [("", "text/html"), ("page/demo.js", "text/javascript"), ("console/style.css", "text/css")]
)
async def test_its_files_are_served_under_the_policy_of_the_console(
    http: aiohttp.ClientSession, path: str, kind: str
) -> None:
    async with http.get(f"/{path}") as answer:
        assert answer.status == 200
        assert answer.content_type == kind
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["page/none.js", "page/../run.py", "page/%2e%2e/run.py"])
async def test_there_are_no_other_files(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(f"/{path}") as answer:
        assert answer.status == 404


async def test_the_sound_is_that_of_the_programme(http: aiohttp.ClientSession) -> None:
    async with http.get("/demo/sound.wav") as answer:
        body = await answer.read()
    with wave.open(io.BytesIO(body)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert sound.readframes(sound.getnframes()) == PROGRAMME.pcm


async def test_the_first_page_asks_for_a_performance_and_a_reload_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_site, "_PING_SECONDS", 0.05)
    log = EventLog()
    site = PageSite(log, PROGRAMME)
    async with asyncio.timeout(60), site.serving(), aiohttp.ClientSession() as http:
        for opened in (True, False):
            async with http.get(f"{site.url}demo/events") as answer:
                await answer.content.readuntil(b"\n\n")
                assert site.wanted.is_set() is opened
            site.wanted.clear()


async def test_events_come_as_an_event_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_site, "_PING_SECONDS", 0.05)
    log = EventLog()
    site = PageSite(log, PROGRAMME)
    log.publish({"text": "“é”\n"})
    async with asyncio.timeout(60), site.serving(), aiohttp.ClientSession() as http:
        answer = await http.get(f"{site.url}demo/events")
        assert answer.content_type == "text/event-stream"
        line = await answer.content.readuntil(b"\n\n")
        assert json.loads(line.removeprefix(b"data: ")) == {"text": "“é”\n"}
        assert await answer.content.readuntil(b"\n\n") == b": ping\n\n"
        answer.close()


async def test_the_buttons_ask_and_end(site: PageSite, http: aiohttp.ClientSession) -> None:
    for path, event in (("play", site.wanted), ("end", site.ended)):
        assert not event.is_set()
        async with http.post(f"/demo/{path}") as answer:
            assert answer.status == 204
        assert event.is_set()


async def test_a_closed_page_ends_the_demo_and_a_reloaded_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_site, "_PING_SECONDS", 0.05)
    monkeypatch.setattr(page_site, "LEAVE_SECONDS", 1.0)
    log = EventLog()
    site = PageSite(log, PROGRAMME)
    async with asyncio.timeout(60), site.serving(), aiohttp.ClientSession() as http:
        first = await http.get(f"{site.url}demo/events")
        await first.content.readuntil(b"\n\n")
        first.close()
        second = await http.get(f"{site.url}demo/events")
        await asyncio.sleep(2.0)  # the server notices the first one's end with a ping, and waits for its LEAVE_SECONDS
        assert log.readers == 1
        assert not site.ended.is_set()
        second.close()
        await site.ended.wait()


@pytest.mark.parametrize(
    "headers",
    [{"Host": "example.org"}, {"Origin": "http://example.org"}, {"Origin": "null"}],
    ids=["another name for loopback", "another page", "a page without an origin"],
)
async def test_other_pages_are_refused(site: PageSite, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    async with http.post("/demo/end", headers=headers) as answer:
        assert answer.status == 403
        assert site.url in await answer.text()
    assert not site.ended.is_set()
