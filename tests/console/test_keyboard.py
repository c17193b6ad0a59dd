"""The page is driven by the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.console_page import RUNNING, console
from tests.support.browser.chromium import NEEDS_CHROMIUM
from tests.support.browser.page import Page

pytestmark = [NEEDS_CHROMIUM, pytest.mark.timeout(150)]

FOCUSED = """(() => {
    const it = document.activeElement;
    const ring = getComputedStyle(it).outlineStyle !== 'none'
        || (it.nextElementSibling && getComputedStyle(it.nextElementSibling).outlineStyle !== 'none');
    return [it.id || it.name || it.classList[0] || it.tagName, it.value ?? '', Boolean(ring)];
})()"""
MOST_STOPS = 60


async def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Presses Tab until an element has the focus, which must be seen at every stop."""
    for _ in range(MOST_STOPS):
        await page.press("Shift+Tab" if back else "Tab")
        found, _, ring = await page.evaluate(FOCUSED)
        assert ring or found == "BODY", found
        if found == name:
            return
    raise AssertionError(f"Tab does not reach {name}")


async def test_everything_is_done_without_a_mouse(auricle_url: str, tmp_path: Path) -> None:
    async with console(auricle_url, tmp_path) as opened:
        page = opened.page
        # A clip, chosen and played.
        await tab_to(page, "clip")
        await page.press("ArrowDown")
        await tab_to(page, "play")
        await page.press("Enter")
        await page.until(RUNNING)
        # A setting of the running stream.
        await tab_to(page, "mode")
        await page.press("ArrowRight")
        assert await page.evaluate(FOCUSED) == ["mode", "semantic", True]
        await page.until("document.querySelector('.lane header').innerText.includes('turns by meaning')")
        await tab_to(page, "endThreshold")
        await page.press("ArrowLeft")
        assert (await page.evaluate(FOCUSED))[1] == "0.74"
        # The plug.
        await tab_to(page, "plug", back=True)
        await page.press(" ")
        await page.until("document.querySelector('.state').textContent.startsWith('Back after')")
        await opened.finished()
        # From word to word, with their times.
        await tab_to(page, "word")
        first = await page.evaluate("document.activeElement.textContent")
        await page.press("ArrowRight", "ArrowRight")
        assert await page.evaluate("document.activeElement.textContent") != first
        described = "document.getElementById(document.activeElement.getAttribute('aria-describedby'))"
        assert "s · " in await page.evaluate(f"{described}.textContent")
        await page.press("End")
        assert (await page.evaluate("document.activeElement.textContent")) == (await opened.text()).split()[-1]
        # A file, saved; the menu closes with Escape, and the focus goes back.
        await tab_to(page, "save", back=True)
        await page.press("Enter")
        assert await page.evaluate("document.getElementById('exports').hidden") is False
        await page.press("Escape")
        assert (await page.evaluate(FOCUSED))[0] == "save"
        # The program of this stream.
        await tab_to(page, "code", back=True)
        await page.press("Enter")
        await page.until("document.getElementById('code-dialog').open")
        await tab_to(page, "written")
        await page.press("ArrowRight")
        assert "AuricleSTTService" in await page.evaluate("document.getElementById('code-text').textContent")
        await page.press("Escape")
        await page.until("!document.getElementById('code-dialog').open")
        # The second stream, and the other view.
        await tab_to(page, "second", back=True)
        await page.press("Enter")
        assert await page.evaluate("document.querySelectorAll('.lane').length") == 2
        await page.evaluate("document.querySelector('nav a:last-child').focus()")
        await page.press("Enter")
        await page.until("document.getElementById('speak').hidden")
