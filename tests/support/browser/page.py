"""One tab of a browser: what a person does with a page, and what a test asks about it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.browser.devtools import DevTools, PageFailed

_LOOK_MS = 50
_MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
# What a key produces, and its code of Windows, by which Chromium knows it.
_KEYS = {
    "Enter": ("\r", 13),
    "Tab": ("", 9),
    "Escape": ("", 27),
    "Backspace": ("", 8),
    "Delete": ("", 46),
    "Home": ("", 36),
    "End": ("", 35),
    "PageUp": ("", 33),
    "PageDown": ("", 34),
    "ArrowLeft": ("", 37),
    "ArrowUp": ("", 38),
    "ArrowRight": ("", 39),
    "ArrowDown": ("", 40),
    " ": (" ", 32),
}
_CODES = {" ": "Space"}


class Page:
    """One tab.

    Attributes:
        devtools: The browser's connection.
    """

    def __init__(self, devtools: DevTools, session: str) -> None:
        self.devtools = devtools
        self._session = session

    @classmethod
    async def attach(cls, devtools: DevTools) -> Page:
        """The tab that the browser has opened by itself; its requests and its console are watched."""
        targets = (await devtools.command("Target.getTargets", {}))["targetInfos"]
        tab = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = await devtools.command("Target.attachToTarget", {"targetId": tab, "flatten": True})
        page = cls(devtools, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            await page.command(f"{domain}.enable")
        await page.command("Page.setLifecycleEventsEnabled", enabled=True)
        return page

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a command of the protocol to the tab and waits for its answer."""
        return await self.devtools.command(method, params, self._session)

    async def open(self, url: str, *, script: str | None = None) -> None:
        """Goes to an address and waits until it is loaded; the script runs before those of the page."""
        if script is not None:
            await self.command("Page.addScriptToEvaluateOnNewDocument", source=script)
        answer = await self.command("Page.navigate", url=url)
        if "errorText" in answer:
            raise PageFailed(f"{url}: {answer['errorText']}")
        await self._loaded(answer.get("loaderId"))

    async def _loaded(self, loader: str | None) -> None:
        """Waits for a document: the event of the one before may come only now. None for a part of the same document."""
        seen = 0
        while loader is not None:
            event = await self.devtools.event("Page.lifecycleEvent", seen)
            if (event["loaderId"], event["name"]) == (loader, "load"):
                return
            seen += 1

    # --- questions ---------------------------------------------------------------------------------------------------

    async def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; that of a promise once it is kept. As if the user had clicked."""
        answer = await self.command(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageFailed(details.get("exception", {}).get("description") or str(details))
        return answer["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Waits until an expression is true in the page, and returns its value."""
        return await self.evaluate(
            f"""new Promise((resolve, reject) => {{
                const look = () => {{
                    try {{
                        const found = {condition};
                        if (found) resolve(found); else setTimeout(look, {_LOOK_MS});
                    }} catch (error) {{ reject(error); }}
                }};
                look();
            }})"""
        )

    @property
    def requests(self) -> list[str]:
        """Addresses that the page has asked for so far, those of WebSockets too."""
        sent = [each["request"]["url"] for each in self.devtools.seen["Network.requestWillBeSent"]]
        return sent + [each["url"] for each in self.devtools.seen["Network.webSocketCreated"]]

    @property
    def complaints(self) -> list[str]:
        """Uncaught exceptions, errors on the console, and what a security policy has blocked."""
        thrown = [
            each["exceptionDetails"].get("exception", {}).get("description") or each["exceptionDetails"]["text"]
            for each in self.devtools.seen["Runtime.exceptionThrown"]
        ]
        printed = [
            " ".join(str(part.get("value", part.get("description"))) for part in each["args"])
            for each in self.devtools.seen["Runtime.consoleAPICalled"]
            if each["type"] == "error"
        ]
        logged = [each["entry"] for each in self.devtools.seen["Log.entryAdded"]]
        return [*thrown, *printed, *(f"{each['text']}" for each in logged if each["level"] == "error")]

    async def screenshot(self, *, whole: bool = False) -> bytes:
        """What is to be seen, or the whole page, as a PNG."""
        picture = await self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(picture["data"])

    # --- hands -------------------------------------------------------------------------------------------------------

    async def press(self, *keys: str) -> None:
        """Presses keys one after another: ``"Tab"``, ``"a"``, ``"Shift+Tab"``."""
        for combination in keys:
            *modifiers, key = combination.split("+") if combination != "+" else [combination]
            bits = sum(_MODIFIERS[each] for each in modifiers)
            text, code = _KEYS.get(key, (key, ord(key[0].upper())))
            event = {"key": key, "code": _CODES.get(key, key), "windowsVirtualKeyCode": code, "modifiers": bits}
            down = {"text": text} if text and not bits & ~_MODIFIERS["Shift"] else {}
            await self.command("Input.dispatchKeyEvent", type="keyDown" if down else "rawKeyDown", **event, **down)
            await self.command("Input.dispatchKeyEvent", type="keyUp", **event)

    async def write(self, text: str) -> None:
        """Types into what has the focus."""
        await self.command("Input.insertText", text=text)

    async def click(self, selector: str) -> None:
        """Clicks on the middle of an element, once it is there."""
        found = await self.until(
            f"""(() => {{
                const element = document.querySelector({json.dumps(selector)});
                if (!element || element.disabled) return null;
                element.scrollIntoView({{block: 'center', inline: 'center', behavior: 'instant'}});
                const {{x, y, width, height}} = element.getBoundingClientRect();
                return width && height ? [x + width / 2, y + height / 2] : null;
            }})()"""
        )
        at = {"x": found[0], "y": found[1], "button": "left", "clickCount": 1}
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            await self.command("Input.dispatchMouseEvent", type=kind, **at)

    async def choose_files(self, selector: str, files: Sequence[Path]) -> None:
        """Puts files into an ``<input type=file>``."""
        root = (await self.command("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.command("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        if not node:
            raise PageFailed(f"{selector}: no such element")
        await self.command("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    async def drop_files(self, selector: str, files: Sequence[Path]) -> None:
        """Drops files on an element."""
        sent = [(file.name, base64.b64encode(await asyncio.to_thread(file.read_bytes)).decode()) for file in files]
        await self.evaluate(
            f"""(() => {{
                const data = new DataTransfer();
                for (const [name, text] of {json.dumps(sent)}) {{
                    const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
                    data.items.add(new File([bytes], name));
                }}
                const element = document.querySelector({json.dumps(selector)});
                for (const type of ['dragenter', 'dragover', 'drop'])
                    element.dispatchEvent(new DragEvent(type, {{bubbles: true, cancelable: true, dataTransfer: data}}));
            }})()"""
        )

    # --- surroundings ------------------------------------------------------------------------------------------------

    async def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """Makes the window another one, or that of a phone."""
        await self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )

    async def prefer(self, **features: str) -> None:
        """Sets what the user prefers: ``prefers_color_scheme="dark"``, ``prefers_reduced_motion="reduce"``."""
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        await self.command("Emulation.setEmulatedMedia", features=listed)
