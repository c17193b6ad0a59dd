"""Captions in a browser: Chromium's own WebRTC, its microphone, and the page that Pipecat's runner serves."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import soundfile

from tests.support.browser.chromium import NEEDS_CHROMIUM, browser
from tests.support.browser.page import Page
from tests.webrtc.clips import RATE, clip, likeness, words
from tests.webrtc.programs import Example, example

pytestmark = [
    pytest.mark.timeout(150),
    NEEDS_CHROMIUM,
]

LEADING_SECONDS = 4.0  # the microphone is open before the call is
FINAL = "\x1b[K> "  # what the example prints before a final
HUNG_UP = "(the call has ended)"
MICROPHONE = Path(__file__).with_name("microphone.js").read_text()


async def test_captions_grow_on_the_page_of_the_example(auricle_url: str, tmp_path: Path) -> None:
    live, past = written("#live"), written("#past")
    async with captioned(auricle_url, tmp_path) as (program, page):
        await page.open(f"{program.url}/captions")
        await assert_captions(program, page, live, past, "captions")
        await page.open("about:blank")
        await program.printed(HUNG_UP)


async def test_captions_grow_on_the_page_of_pipecat(auricle_url: str, tmp_path: Path) -> None:
    message = written("[data-slot=message-content] > div")
    async with captioned(auricle_url, tmp_path) as (program, page):
        await page.open(f"{program.url}/client/", script=MICROPHONE)
        await press(page, "Connect")
        await assert_captions(program, page, message, message, "client")
        await press(page, "Disconnect")
        await program.printed(HUNG_UP)


@asynccontextmanager
async def captioned(url: str, folder: Path) -> AsyncIterator[tuple[Example, Page]]:
    """The example for captions, and a browser whose user speaks."""
    soundfile.write(folder / "speech.wav", clip(leading=LEADING_SECONDS)[0], RATE)
    async with (
        example("pipecat_captions.py", "--url", url) as program,
        browser(folder / "speech.wav", folder / "profile") as page,
    ):
        yield program, page


async def assert_captions(program: Example, page: Page, live: str, past: str, name: str) -> None:
    """The page shows words while they are said, and in the end the very words that the terminal shows."""
    text = clip()[1]
    early = await page.until(f"{live}.includes('want') && {live}")
    assert "morning" not in early
    await keep(await page.screenshot(), f"{name}_growing")
    printed = await program.printed(FINAL, times=text.count("."))
    shown = await page.until(f"{past}.includes({json.dumps(printed[-1])}) && {past}")
    await keep(await page.screenshot(), f"{name}_final")
    assert likeness(shown, text) > 0.8
    assert words(shown) == words(" ".join(printed))


def written(selector: str) -> str:
    return f"(document.querySelector('{selector}')?.innerText ?? '')"


def button(name: str) -> str:
    return f"[...document.querySelectorAll('button')].find(it => it.textContent.trim() === '{name}' && !it.disabled)"


async def press(page: Page, name: str) -> None:
    await page.until(f"!!{button(name)}")
    await page.evaluate(f"{button(name)}.click()")


async def keep(picture: bytes, name: str) -> None:
    """Writes a picture of the page into a folder, where somebody has named one."""
    folder = os.environ.get("AURICLE_SCREENSHOTS")
    if folder:
        await asyncio.to_thread((Path(folder) / f"{name}.png").write_bytes, picture)
