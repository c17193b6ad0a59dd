"""Chromium without a screen, with a microphone that plays a file, driven over the Chrome DevTools Protocol."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.browser.devtools import PATIENCE, PageFailed, devtools
from tests.support.browser.page import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
_ANNOUNCEMENT = "DevTools listening on "


@asynccontextmanager
async def browser(
    speech: Path | None, profile: Path, *, loop: bool = False, microphone: str = "granted"
) -> AsyncIterator[Page]:
    """A browser whose microphone plays a WAV file.

    Args:
        speech: What the microphone hears, from the moment a page opens it; None for beeps.
        profile: An empty folder of the browser's own.
        loop: Whether the file is played again and again; once otherwise, and then silence.
        microphone: ``"granted"``, or ``"denied"`` for a user who lets no page hear; ``"none"`` for a machine without.
    """
    assert CHROMIUM is not None
    switches = [] if microphone == "none" else ["--use-fake-device-for-media-stream"]
    if microphone == "granted":
        switches.append("--use-fake-ui-for-media-stream")
    if speech is not None:
        switches.append(f"--use-file-for-fake-audio-capture={speech}{'' if loop else '%noloop'}")
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",  # it refuses to have one as root
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--autoplay-policy=no-user-gesture-required",
        # Names of mDNS in place of addresses need a network that resolves them.
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--window-size=1280,800",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        *switches,
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    reading = None
    try:
        url = await _devtools_url(process.stderr)
        reading = asyncio.create_task(process.stderr.read())  # a full pipe would hold the browser up
        async with devtools(url) as tools:
            if microphone == "denied":
                denied = {"permission": {"name": "microphone"}, "setting": "denied"}
                await tools.command("Browser.setPermission", denied)
            yield await Page.attach(tools)
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
        if reading is not None:
            await reading


async def _devtools_url(stderr: asyncio.StreamReader) -> str:
    said: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while line := (await stderr.readline()).decode(errors="replace"):
            if line.startswith(_ANNOUNCEMENT):
                return line.removeprefix(_ANNOUNCEMENT).strip()
            said.append(line)
    raise PageFailed(f"the browser did not come up: {''.join(said)}")
