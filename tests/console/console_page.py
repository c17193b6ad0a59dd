"""The server's page in a browser, as a person uses it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.browser.chromium import browser
from tests.support.browser.page import Page

_SAYS = "document.getElementById('listen-label')?.textContent === '{}'"
IDLE = f"{_SAYS.format('Speak')} && !document.getElementById('listen').disabled"
RUNNING = _SAYS.format("Stop")
LOADED = f"{IDLE} && !document.getElementById('play').disabled"
WORDS = ".word"

# What a person reads off the page, each for the lane with its index.
_LANE = "document.querySelectorAll('.lane')[{lane}]"


class ConsolePage:
    """The page of one server.

    Attributes:
        page: The tab.
        url: Where the server is, `http://...`.
        downloads: Where the browser saves files.
    """

    def __init__(self, page: Page, url: str, downloads: Path) -> None:
        self.page = page
        self.url = url
        self.downloads = downloads

    async def play_clip(self, index: int) -> None:
        """Plays a bundled clip; returns when its stream runs."""
        await self.page.evaluate(f"document.getElementById('clip').value = '{index}'")
        await self.page.click("#play")
        await self.page.until(RUNNING)

    async def open_file(self, path: Path) -> None:
        """Chooses a file."""
        await self.page.choose_files("#file", [path])

    async def speak(self) -> None:
        """Presses Speak; returns when the stream runs."""
        await self.page.click("#listen")
        await self.page.until(RUNNING)

    async def finished(self) -> None:
        """Waits until the take has ended by itself."""
        await self.page.until(IDLE)

    async def stop(self) -> None:
        """Presses Stop, and waits for the last words."""
        await self.page.click("#listen")
        await self.finished()

    async def text(self, lane: int = 0) -> str:
        """The words of the finals on the page, without notes and without what was struck."""
        words = f"[...{_LANE.format(lane=lane)}.querySelectorAll('{WORDS}')].map((word) => word.textContent)"
        found: list[str] = await self.page.evaluate(words)
        return " ".join(found)

    async def turns(self, lane: int = 0) -> list[str]:
        """The words of each turn."""
        script = f"""[...{_LANE.format(lane=lane)}.querySelectorAll('.turn')].map((turn) =>
            [...turn.querySelectorAll('{WORDS}')].map((word) => word.textContent).join(' '))"""
        found: list[str] = await self.page.evaluate(script)
        return found

    async def notes(self, kind: str, lane: int = 0) -> list[str]:
        """The notes of turn ends: of the kind "end", "eager" or "withdrawn"."""
        script = f"[...{_LANE.format(lane=lane)}.querySelectorAll('.note.{kind}')].map((note) => note.textContent)"
        found: list[str] = await self.page.evaluate(script)
        return found

    async def state(self, lane: int = 0) -> str:
        """What is said beneath the captions."""
        told: str = await self.page.evaluate(f"{_LANE.format(lane=lane)}.querySelector('.state').textContent")
        return told

    async def choose(self, name: str, value: str) -> None:
        """Sets a control of the settings, and tells the page as a user's hand does."""
        await self.page.evaluate(
            f"""(() => {{
                const form = document.getElementById('settings');
                const field = form.elements[{json.dumps(name)}];
                const radios = field instanceof RadioNodeList ? [...field] : null;
                const of = radios ? radios.find((it) => it.value === {json.dumps(value)}) : field;
                if (of.disabled) throw new Error({json.dumps(name)} + ' is disabled');
                if (of.type === 'radio' || of.type === 'checkbox') return of.click();
                of.value = {json.dumps(value)};
                of.dispatchEvent(new Event('input', {{bubbles: true}}));
                of.dispatchEvent(new Event('change', {{bubbles: true}}));
            }})()"""
        )

    async def exported(self, kind: str) -> bytes:
        """The file that the menu saves: "json", "srt" or "wav"."""
        begun = len(self.page.devtools.seen["Browser.downloadWillBegin"])
        done = len(self.page.devtools.seen["Browser.downloadProgress"])
        await self.page.click("#save")
        await self.page.click(f"[data-export={kind}]")
        name = (await self.page.devtools.event("Browser.downloadWillBegin", begun))["suggestedFilename"]
        assert name.endswith(f".{kind}")
        while (await self.page.devtools.event("Browser.downloadProgress", done))["state"] != "completed":
            done += 1
        return await asyncio.to_thread((self.downloads / name).read_bytes)

    async def record(self) -> dict[str, Any]:
        """The transcript as the page exports it."""
        record: dict[str, Any] = json.loads(await self.exported("json"))
        return record

    def assert_calm(self) -> None:
        """No script has failed, the policy has blocked nothing, and no request has left the server."""
        complaints = self.page.complaints
        assert not complaints, complaints
        hosts = {urlsplit(each).netloc for each in self.page.requests if not each.startswith(("blob:", "data:"))}
        assert hosts == {urlsplit(self.url).netloc}, hosts


@asynccontextmanager
async def console(
    url: str, folder: Path, *, speech: Path | None = None, microphone: str = "granted", calm: bool = True
) -> AsyncIterator[ConsolePage]:
    """A browser with the page of a server, loaded.

    Args:
        url: Of the server, ``ws://...``.
        folder: An empty folder.
        speech: What the microphone hears; None for beeps.
        microphone: As for `browser`.
        calm: Whether to check at the end that nothing was complained about; False where something must be.
    """
    downloads = folder / "downloads"
    downloads.mkdir()
    address = url.replace("ws", "http", 1)
    async with browser(speech, folder / "profile", microphone=microphone) as page:
        saving = {"behavior": "allow", "downloadPath": str(downloads), "eventsEnabled": True}
        await page.devtools.command("Browser.setDownloadBehavior", saving)
        await page.open(address)
        opened = ConsolePage(page, address, downloads)
        if calm:
            await page.until(LOADED)
        yield opened
        if calm:
            opened.assert_calm()
