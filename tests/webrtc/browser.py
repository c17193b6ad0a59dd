"""Chromium without a screen, with a microphone that plays a file, driven over the Chrome DevTools Protocol."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from tests.webrtc.patience import PATIENCE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ANNOUNCEMENT = "DevTools listening on "


class PageFailed(Exception):
    """What the browser refused, or what the page's own script threw."""


class Page:
    """One tab. Commands are sent one after another; the browser's events are ignored."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._session: str | None = None
        self._numbers = count(1)

    async def attach(self) -> None:
        """Takes the tab that the browser has opened by itself."""
        targets = (await self.command("Target.getTargets"))["targetInfos"]
        tab = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = (await self.command("Target.attachToTarget", targetId=tab, flatten=True))["sessionId"]

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a command of the protocol and waits for its answer."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        async with asyncio.timeout(PATIENCE):
            await self._socket.send_json(message if self._session is None else message | {"sessionId": self._session})
            while (answer := await self._socket.receive_json()).get("id") != number:
                pass
        if "error" in answer:
            raise PageFailed(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str, *, script: str | None = None) -> None:
        """Goes to an address; the script runs before those of the page."""
        if script is not None:
            await self.command("Page.enable")
            await self.command("Page.addScriptToEvaluateOnNewDocument", source=script)
        failure = (await self.command("Page.navigate", url=url)).get("errorText")
        if failure:
            raise PageFailed(f"{url}: {failure}")

    async def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; that of a promise once it is kept."""
        answer = await self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise PageFailed(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Waits until an expression is true of the page as it changes, and returns its value."""
        return await self.evaluate(
            f"""new Promise((resolve, reject) => {{
                const look = () => {{
                    try {{
                        const found = {condition};
                        if (found) {{ observer.disconnect(); resolve(found); }}
                    }} catch (error) {{ observer.disconnect(); reject(error); }}
                }};
                const observer = new MutationObserver(look);
                observer.observe(document, {{subtree: true, childList: true, characterData: true, attributes: true}});
                look();
            }})"""
        )

    async def screenshot(self) -> bytes:
        """What is to be seen, as a PNG."""
        picture = await self.command("Page.captureScreenshot", format="png")
        return base64.b64decode(picture["data"])


@asynccontextmanager
async def browser(speech: Path, profile: Path) -> AsyncIterator[Page]:
    """A browser whose microphone plays a WAV file once, and which lets every page use it.

    Args:
        speech: What the microphone hears, from the moment a page opens it.
        profile: An empty folder of the browser's own.
    """
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",  # it refuses to have one as root
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={speech}%noloop",
        "--autoplay-policy=no-user-gesture-required",
        # Names of mDNS in place of addresses need a network that resolves them.
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--window-size=1280,800",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    reading = None
    try:
        url = await _devtools_url(process.stderr)
        reading = asyncio.create_task(process.stderr.read())  # a full pipe would hold the browser up
        async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
            page = Page(socket)
            await page.attach()
            yield page
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
