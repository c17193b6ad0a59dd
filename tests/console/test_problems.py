"""What goes wrong is told in words, with what to do: no microphone, a full server, a key, a server that has gone."""

from __future__ import annotations

from pathlib import Path

import pytest

import auricle
from auricle_server.config import ServerConfig
from tests.console.console_page import LOADED, RUNNING, console
from tests.support import tones
from tests.support.browser.chromium import NEEDS_CHROMIUM
from tests.support.servers.server_thread import serving_in_a_thread

pytestmark = [NEEDS_CHROMIUM, pytest.mark.timeout(150)]

PROBLEM = "document.querySelector('#notices [role=alert]')?.innerText"
KEY = "a-key-of-the-console-0123456789abcdef"


@pytest.mark.parametrize(
    ("microphone", "title"),
    [("denied", "The microphone is not allowed"), ("none", "There is no microphone")],
)
async def test_a_microphone_that_is_not_there(
    tones_server: str, tones_talk: tuple[Path, str], tmp_path: Path, microphone: str, title: str
) -> None:
    async with console(tones_server, tmp_path, microphone=microphone) as opened:
        await opened.page.click("#listen")
        assert title in await opened.page.until(PROBLEM)
        # A file works all the same, and the problem is gone.
        await opened.open_file(tones_talk[0])
        await opened.page.until(RUNNING)
        assert await opened.page.evaluate(PROBLEM) is None
        await opened.stop()


async def test_a_full_server_counts_down_and_lets_in_later(tones_talk: tuple[Path, str], tmp_path: Path) -> None:
    path, text = tones_talk
    config = ServerConfig(max_load=0, slots=1, retry_after_seconds=3)
    with serving_in_a_thread(config, model=str(tones.CHECKPOINT)) as url:
        # The browser itself writes refused upgrades to its console.
        async with console(url, tmp_path, calm=False) as opened:
            await opened.page.until(LOADED)
            async with auricle.connect(url):
                await opened.open_file(path)
                said = await opened.page.until(PROBLEM)
                assert "The server is full" in said
                assert "in 3 s" in said or "in 2 s" in said
                await opened.page.until(f"/in 1 s/.test({PROBLEM})")
            await opened.page.until(RUNNING)
            assert await opened.page.evaluate(PROBLEM) is None
            await opened.finished()
            assert await opened.text() == text


async def test_a_user_may_give_up_on_a_full_server(tones_talk: tuple[Path, str], tmp_path: Path) -> None:
    config = ServerConfig(max_load=0, slots=1, retry_after_seconds=30)
    with serving_in_a_thread(config, model=str(tones.CHECKPOINT)) as url:
        async with console(url, tmp_path, calm=False) as opened, auricle.connect(url):
            await opened.page.until(LOADED)
            await opened.open_file(tones_talk[0])
            await opened.page.until(PROBLEM)
            await opened.page.click("#notices button:last-child")
            await opened.finished()
            assert await opened.page.evaluate(PROBLEM) is None


async def test_a_key_is_asked_for_and_swapped_for_a_token(tones_talk: tuple[Path, str], tmp_path: Path) -> None:
    path, text = tones_talk
    config = ServerConfig(max_load=0, api_keys=(KEY,))
    with serving_in_a_thread(config, model=str(tones.CHECKPOINT)) as url:
        async with console(url, tmp_path, calm=False) as opened:
            page = opened.page
            await page.until(LOADED)
            await opened.open_file(path)
            await page.until("document.getElementById('key-dialog').open")
            assert await page.evaluate("document.activeElement.id") == "key"
            await page.write("not-the-key-0123456789abcdef0123456789")
            await page.press("Enter")
            said = await page.until("document.getElementById('key-problem').textContent")
            assert said == "The server does not know this key."
            await page.evaluate("document.getElementById('key').select()")
            await page.write(KEY)
            await page.press("Enter")
            await page.until(RUNNING)
            await opened.finished()
            assert await opened.text() == text
            # The same token serves again, and nothing of key or token is kept where another page finds it.
            await opened.open_file(path)
            await page.until(RUNNING)
            await opened.finished()
            kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
            assert await page.evaluate(kept) == f'[{{}},{{}},"","{opened.url}/"]'
            assert await page.evaluate("document.getElementById('key').value") == ""
            assert KEY not in "".join(page.requests)
            # Whoever closes the dialog gets no stream, and the page is as before.
            await page.open(opened.url + "/?again")
            await page.until(LOADED)
            await opened.open_file(path)
            await page.until("document.getElementById('key-dialog').open")
            await page.press("Escape")
            await opened.finished()
            assert await page.evaluate(PROBLEM) is None


async def test_a_server_that_has_gone_is_named(tones_talk: tuple[Path, str], tmp_path: Path) -> None:
    with serving_in_a_thread(ServerConfig(max_load=0), model=str(tones.CHECKPOINT)) as url:
        opening = console(url, tmp_path, calm=False)
        opened = await opening.__aenter__()
        await opened.page.until(LOADED)
    try:
        await opened.open_file(tones_talk[0])
        said = await opened.page.until(PROBLEM)
        assert "The server is gone" in said
        assert "auricle serve" in said
        await opened.finished()
    finally:
        await opening.__aexit__(None, None, None)
