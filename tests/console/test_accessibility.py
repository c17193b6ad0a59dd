"""axe-core finds no violation in any state of the page, light and dark, on a desk and on a phone."""

from __future__ import annotations

import json
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.console.console_page import ConsolePage, console
from tests.support.browser.chromium import NEEDS_CHROMIUM

pytestmark = [
    NEEDS_CHROMIUM,
    pytest.mark.timeout(200),
    pytest.mark.skipif(find_spec("axe_playwright_python") is None, reason="axe-playwright-python is not installed"),
]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SEEN = """[...document.querySelectorAll('main button, main select, main input:not([type=file])')].every((it) =>
    it.closest('[hidden]') || it.getBoundingClientRect().right <= innerWidth + 1)"""


async def assert_accessible(opened: ConsolePage, state: str) -> None:
    """In both schemes, and as wide as a phone and as a desk."""
    await opened.page.prefer(prefers_reduced_motion="reduce")
    for width, height in ((1280, 860), (390, 844)):
        await opened.page.resize(width, height, phone=width < 500)
        assert await opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (state, width)
        assert await opened.page.evaluate(SEEN), (state, width)
        for scheme in ("light", "dark"):
            await opened.page.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            # In the page's own world, but not by its policy: what a debugger evaluates needs no leave.
            found = await opened.page.evaluate(f"axe.run(document, {json.dumps(RULES)}).then((it) => it.violations)")
            assert told(found) == [], (state, width, scheme)
    await opened.page.resize(1280, 860)
    await opened.page.prefer(prefers_color_scheme="light")


def told(violations: list[dict[str, Any]]) -> list[str]:
    return [f"{each['id']}: {each['help']}: {node['html']}" for each in violations for node in each["nodes"]]


async def test_no_state_has_a_violation(auricle_url: str, tmp_path: Path) -> None:
    axe = (files("axe_playwright_python") / "axe.min.js").read_text()
    async with console(auricle_url, tmp_path) as opened:
        page = opened.page
        await page.evaluate(axe + "\n;undefined")
        await assert_accessible(opened, "at the start")
        await opened.choose("mode", "semantic")
        await opened.choose("eagerEnd", "on")
        await opened.choose("refine", "on")
        await page.click("#second")
        await opened.play_clip(4)
        await page.until("document.querySelector('.interim')")
        await page.click("#plug")
        await assert_accessible(opened, "while it runs")
        await opened.finished()
        await page.evaluate("document.querySelector('.word').focus()")
        await page.click("#save")
        await assert_accessible(opened, "after the last words, with the menu open")
        await page.press("Escape")
        await page.click("#code")
        await assert_accessible(opened, "with the program")
        await page.click("#code-close")
        await page.evaluate("document.getElementById('key-dialog').showModal()")
        await assert_accessible(opened, "with the question for a key")
        await page.evaluate("document.getElementById('key-dialog').close()")
        await page.evaluate("document.getElementById('drop').hidden = false")
        await assert_accessible(opened, "with a file above it")
        await page.evaluate("document.getElementById('drop').hidden = true")
        await page.evaluate("document.querySelectorAll('.timeline-list').forEach((it) => (it.open = true))")
        await page.until("document.querySelectorAll('.timeline-table tbody tr').length > 5")
        await assert_accessible(opened, "with the events as a list")
        await page.click("nav a[href='#status']")
        await page.until("document.querySelector('.plot-line')?.getAttribute('d')")
        await assert_accessible(opened, "with the status")
