"""The status view in Chromium: figures and plots of a real server, breaks, and keys."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import auricle
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.console.console_page import ConsolePage, console
from tests.support import tones
from tests.support.browser.chromium import NEEDS_CHROMIUM
from tests.support.servers.riva import free_port
from tests.support.servers.server_thread import serving_in_a_thread

pytestmark = [NEEDS_CHROMIUM, pytest.mark.timeout(150)]

KEY = "status-key"
LINK = "(document.querySelector('.status-link')?.textContent ?? '')"
FIGURES = (
    "Object.fromEntries([...document.querySelectorAll('.status-figure')]"
    ".map(it => [it.querySelector('dt').textContent, it.querySelector('dd').textContent]))"
)
STREAMS = "Streams open, of capacity"


async def look(opened: ConsolePage) -> None:
    """Goes to the status view."""
    await opened.page.click("nav a[href='#status']")
    await opened.page.until("!document.getElementById('status').hidden")


async def test_figures_and_plots_follow_the_server(tones_server: str, tmp_path: Path) -> None:
    async with console(tones_server, tmp_path) as opened:
        page = opened.page
        assert not any("/v1/status" in each for each in page.requests)
        await look(opened)
        await page.until(f"{LINK}.startsWith('Connected')")
        # Other tests may have streams of their own on this server.
        before = int((await page.until(f"({FIGURES})[{STREAMS!r}]")).split()[0])
        async with auricle.connect(tones_server) as stream:
            await page.until(f"Number(({FIGURES})[{STREAMS!r}].split(' ')[0]) > {before}")
            await stream.send(bytes(tones.SAMPLE_RATE * 2))
            await stream.finalize()
            for label in ("Finalize to final: half are faster", "Step time: half are faster"):
                await page.until(f"({FIGURES})[{label!r}].endsWith(' ms')")
            await stream.end()
        assert int((await page.evaluate(FIGURES))["Resumed since the start"]) >= 0
        lines = await page.until(
            "(paths => paths.length === 12 && paths.filter(path => path))"
            "([...document.querySelectorAll('.plot-line')].map(it => it.getAttribute('d')))"
        )
        assert len(lines) == 12
        labels = await page.evaluate("[...document.querySelectorAll('.plot')].map(it => it.getAttribute('aria-label'))")
        assert any(label.startswith("Step time, last five minutes: now ") for label in labels)
        axis = await page.evaluate(
            "[...document.querySelector('.plot').querySelectorAll('text')].map(it => it.textContent)"
        )
        assert axis[0] == "0"
        assert {"5 min ago", "3 min", "now"} <= set(axis)
        await keep(await page.screenshot(), "status")


async def test_a_lost_server_is_told_in_words_and_found_again(tmp_path: Path) -> None:
    model, port = str(tones.CHECKPOINT), free_port()
    async with AsyncExitStack() as pages:
        async with serve_locally(ServerConfig(max_load=0), model=model, port=port) as url:
            opened = await pages.enter_async_context(console(url, tmp_path, calm=False))
            await look(opened)
            await opened.page.until(f"{LINK}.startsWith('Connected')")
        await opened.page.until(f"{LINK}.startsWith('No connection.')")
        async with serve_locally(ServerConfig(max_load=0), model=model, port=port):
            await opened.page.until(f"{LINK}.startsWith('Connected')")


async def test_a_key_is_asked_for_once_and_again_when_the_user_wants(tmp_path: Path) -> None:
    config = ServerConfig(max_load=0, api_keys=(KEY,))
    with serving_in_a_thread(config, model=str(tones.CHECKPOINT)) as url:
        async with console(url, tmp_path, calm=False) as opened:
            page = opened.page
            await page.until("document.getElementById('server').textContent.includes('tones')")
            await look(opened)
            await page.until("document.getElementById('key-dialog').open")
            await page.click("#key-cancel")
            await page.until(f"{LINK}.includes('asks for a key')")
            await page.click(".status-head button")
            await page.until("document.getElementById('key-dialog').open")
            await page.write(KEY)
            await page.press("Enter")
            await page.until(f"{LINK}.startsWith('Connected')")
            assert not await page.evaluate("document.getElementById('key-dialog').open")
            assert all(KEY not in each for each in page.requests)


async def keep(picture: bytes, name: str) -> None:
    """Writes a picture of the page into a folder, where somebody has named one."""
    folder = os.environ.get("AURICLE_SCREENSHOTS")
    if folder:
        await asyncio.to_thread((Path(folder) / f"{name}.png").write_bytes, picture)
