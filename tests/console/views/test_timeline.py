"""The time line in Chromium, of real streams: what is drawn, how it is moved, and what screen readers get."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.console.console_page import ConsolePage, console
from tests.support.browser.chromium import NEEDS_CHROMIUM
from tests.support.browser.page import Page

pytestmark = [NEEDS_CHROMIUM, pytest.mark.timeout(150)]

CANVAS = "document.querySelector('.timeline canvas')"
READOUT = "document.querySelector('.timeline-readout').textContent"
FOLLOWS = "document.querySelector('.timeline-tools button').getAttribute('aria-pressed')"
CELLS = "[...row.cells].map(cell => cell.textContent)"
ROWS = f"[...document.querySelectorAll('.timeline-table tbody tr')].map(row => {CELLS})"
# Opaque pixels of the drawing, and how bright they are on average.
INK = f"""(() => {{
    const {{width, height}} = {CANVAS};
    const {{data}} = {CANVAS}.getContext('2d').getImageData(0, 0, width, height);
    let [count, light] = [0, 0];
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) {{ count += 1; light += data[at + 1]; }}
    return [count, light / count];
}})()"""


@asynccontextmanager
async def spoken(url: str, talk: tuple[Path, str], folder: Path) -> AsyncIterator[ConsolePage]:
    """The page after a take of the talk."""
    async with console(url, folder) as opened:
        await opened.open_file(talk[0])
        await opened.page.until("document.getElementById('running').hidden === false")
        await opened.finished()
        yield opened


async def drawing(page: Page) -> str:
    """The picture on the canvas, once the next frame is drawn."""
    await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    picture: str = await page.evaluate(f"{CANVAS}.toDataURL()")
    return picture


async def test_events_are_listed_and_keys_move_zoom_and_read_them(
    tones_server: str, tones_talk: tuple[Path, str], tmp_path: Path
) -> None:
    async with spoken(tones_server, tones_talk, tmp_path) as opened:
        page = opened.page
        await page.click(".timeline-list summary")
        rows = await page.until(f"{ROWS}.length > 3 && {ROWS}")
        assert rows[0][1] == "stream opened"
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)
        for kind in ("final", "turn end"):
            quoted = [text.partition("“")[2].partition("”")[0] for _, name, text in rows if name == kind]
            assert " ".join(quoted) == tones_talk[1]
        assert await page.evaluate(FOLLOWS) == "true"
        await page.evaluate("document.querySelector('.timeline-field').focus()")
        await page.press("Home")
        await page.until(f"{FOLLOWS} === 'false'")
        await page.press("n", "n")
        await page.until(f"{READOUT}.includes('The first word of a turn began')")
        assert await page.evaluate("document.querySelector('.timeline-readout').getAttribute('aria-live')") == "polite"
        read = [await page.evaluate(READOUT)]
        while "The turn has ended" not in read[-1]:
            await page.press("n")
            read.append(await page.evaluate(READOUT))
            assert read[-1] != read[-2], "the last event is no turn end"
        await page.press("p")
        assert await page.evaluate(READOUT) == read[-2]
        seen = [await drawing(page)]
        for key in ("+", "+", "ArrowRight", "Shift+ArrowLeft", "-", "0"):
            await page.press(key)
            seen.append(await drawing(page))
            assert seen[-1] != seen[-2], f"{key} has changed nothing"
        await page.press("End")
        await page.until(f"{FOLLOWS} === 'true'")


async def test_wheel_mouse_and_fingers_move_and_zoom(
    tones_server: str, tones_talk: tuple[Path, str], tmp_path: Path
) -> None:
    async with spoken(tones_server, tones_talk, tmp_path) as opened:
        page = opened.page
        await page.evaluate("document.querySelector('.timeline-field').scrollIntoView({block: 'center'})")
        left, top, width = await page.evaluate(
            "(({x, y, width}) => [x, y, width])(document.querySelector('.timeline-field').getBoundingClientRect())"
        )
        y = top + 150
        before = await drawing(page)
        wheel = {"type": "mouseWheel", "x": left + width / 2, "y": y, "deltaX": 0, "deltaY": 200}
        scrolled = "document.scrollingElement.scrollTop"
        at = await page.evaluate(scrolled)
        await page.command("Input.dispatchMouseEvent", **wheel, modifiers=2)  # with Ctrl
        await page.until(f"{CANVAS}.toDataURL() !== {before!r}")
        assert await page.evaluate(scrolled) == at
        assert await page.evaluate(FOLLOWS) == "true"  # it zooms and follows on

        async def mouse(kind: str, x: float) -> None:
            await page.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

        await mouse("mousePressed", left + width * 0.7)
        await mouse("mouseMoved", left + width * 0.6)
        await mouse("mouseMoved", left + width * 0.4)
        await mouse("mouseReleased", left + width * 0.4)
        await page.until(f"{FOLLOWS} === 'false'")

        async def fingers(kind: str, *places: float) -> None:
            points = [{"x": left + width * place, "y": y, "id": index} for index, place in enumerate(places)]
            await page.command("Input.dispatchTouchEvent", type=kind, touchPoints=points)

        before = await drawing(page)
        await page.command("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
        await fingers("touchStart", 0.4)
        await fingers("touchStart", 0.4, 0.6)
        for spread in (0.05, 0.1, 0.15, 0.2):
            await fingers("touchMove", 0.4 - spread, 0.6 + spread)
        await fingers("touchEnd")
        assert await drawing(page) != before
        assert await page.evaluate("visualViewport.scale") == 1  # the page itself was not zoomed


async def test_it_is_sharp_on_every_screen_and_takes_the_colours_of_the_page(
    tones_server: str, tones_talk: tuple[Path, str], tmp_path: Path
) -> None:
    async with spoken(tones_server, tones_talk, tmp_path) as opened:
        page = opened.page
        inked = {}
        for ratio in (1, 2):
            # With a little other width: emulated pixels alone tell the page of nothing, unlike those of another screen.
            screen = {"width": 1280 + ratio, "height": 900, "deviceScaleFactor": ratio, "mobile": False}
            await page.command("Emulation.setDeviceMetricsOverride", **screen)
            await page.until(f"{CANVAS}.width === Math.round({CANVAS}.clientWidth * {ratio})")
            await drawing(page)
            inked[ratio] = (await page.evaluate(INK))[0]
        # Twice as many pixels both ways; lines of one pixel are two wide.
        assert inked[2] == pytest.approx(4 * inked[1], rel=0.2)
        light = (await page.evaluate(INK))[1]
        await page.prefer(prefers_color_scheme="dark")
        await drawing(page)
        assert (await page.evaluate(INK))[1] < light - 50
        await keep(await page.screenshot(whole=True), "timeline_dark")
        await page.resize(390, 800, phone=True)
        await page.until(f"{CANVAS}.clientWidth < 390")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await keep(await page.screenshot(whole=True), "timeline_phone")


async def keep(picture: bytes, name: str) -> None:
    """Writes a picture of the page into a folder, where somebody has named one."""
    folder = os.environ.get("AURICLE_SCREENSHOTS")
    if folder:
        await asyncio.to_thread((Path(folder) / f"{name}.png").write_bytes, picture)
