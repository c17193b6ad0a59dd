"""Makes the pictures of the page anew that docs/ shows: `python -m tests.console.pictures`.

A real server, a real browser and a bundled clip: what is to be seen is what the page does.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
from pathlib import Path

from auricle_server.config import ServerConfig
from tests.console.console_page import ConsolePage, console
from tests.support.servers.server_thread import serving_in_a_thread

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
_QUALITY = 70
_WIDE, _PHONE = (1240, 1010), (390, 844)


async def keep(opened: ConsolePage, name: str, *, scheme: str = "light", phone: bool = False) -> None:
    """Writes what is to be seen, in two pixels for each of the page's."""
    width, height = _PHONE if phone else _WIDE
    await opened.page.command(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1.5, mobile=phone
    )
    await opened.page.prefer(prefers_color_scheme=scheme)
    await opened.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300)))")
    picture = await opened.page.command("Page.captureScreenshot", format="webp", quality=_QUALITY)
    (PICTURES / f"{name}.webp").write_bytes(base64.b64decode(picture["data"]))


async def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving_in_a_thread(ServerConfig(max_load=0)) as url:
        async with console(url, Path(folder)) as opened:
            await opened.page.evaluate("document.querySelector('.hint .close')?.click()")
            await opened.choose("mode", "semantic")
            await opened.choose("eagerEnd", "on")
            await opened.choose("refine", "on")
            await opened.play_clip(7)
            await opened.page.until("document.querySelector('.note.end')")
            await opened.page.until("document.querySelector('.interim')?.textContent.length > 20")
            await keep(opened, "console")
            await opened.finished()
            await keep(opened, "console_dark", scheme="dark")
            await keep(opened, "console_phone", phone=True)
            await opened.page.click("#second")
            await opened.choose("latencyMs", "1120")
            await opened.play_clip(1)
            await opened.page.until("document.querySelector('.note.end')")
            await opened.page.click("#plug")
            await opened.page.until(
                "[...document.querySelectorAll('.state')].every((it) => /^Back/.test(it.textContent))"
            )
            await keep(opened, "console_two_streams")
            await opened.finished()


if __name__ == "__main__":
    asyncio.run(main())
