"""The tests' own browser: what it presses, clicks and drops arrives in the page, and what the page does is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.browser.chromium import NEEDS_CHROMIUM, browser
from tests.support.browser.devtools import PageFailed
from tests.support.browser.site import site

pytestmark = [NEEDS_CHROMIUM, pytest.mark.slow, pytest.mark.timeout(120)]

PAGE = """<!doctype html><title>Page</title>
<input id="text"><button id="push" onclick="log('pushed')">Push</button>
<input type="file" id="file" onchange="log('chosen ' + this.files[0].name)">
<div id="drop" style="height: 50px">Drop</div><ul id="log"></ul>
<script>
  function log(innerText) {
    document.querySelector('#log').append(Object.assign(document.createElement('li'), {innerText}));
  }
  document.addEventListener('keydown', (event) => log(`${event.shiftKey ? 'shift ' : ''}${event.key}`));
  const drop = document.querySelector('#drop');
  drop.addEventListener('drop', async (event) => log('dropped ' + await event.dataTransfer.files[0].text()));
</script>"""


async def test_a_page_is_used_as_by_a_person(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("some words")
    async with site({"/": PAGE}) as origin, browser(None, tmp_path / "profile") as page:
        await page.open(f"{origin}/")
        await page.press("Tab", "a", "B", "Shift+Tab", "Tab", "Tab", "Enter", " ")
        assert await page.evaluate("document.querySelector('#text').value") == "aB"
        logged = await page.evaluate("[...document.querySelectorAll('#log li')].map((each) => each.innerText)")
        keys = ["Tab", "a", "B", "shift Tab", "Tab", "Tab", "Enter", "pushed", "", "pushed"]
        assert [each.strip() for each in logged] == keys
        await page.click("#push")
        await page.choose_files("#file", [tmp_path / "file.txt"])
        await page.drop_files("#drop", [tmp_path / "file.txt"])
        log = "document.querySelector('#log').innerText"
        text = await page.until(f"{log}.includes('dropped') && {log}")
        assert text.endswith("pushed\nchosen file.txt\ndropped some words")
        await page.resize(400, 700, phone=True)
        await page.prefer(prefers_color_scheme="dark")
        assert await page.evaluate("innerWidth > 0 && matchMedia('(prefers-color-scheme: dark)').matches")
        assert (await page.screenshot())[:4] == b"\x89PNG"


async def test_what_a_page_does_is_seen(tmp_path: Path) -> None:
    script = "fetch('/there'); console.error('bad', 7); setTimeout(() => { throw new Error('thrown'); });"
    files = {"/": f"<script>{script}</script>", "/there": ""}
    async with site(files) as origin, browser(None, tmp_path / "profile") as page:
        await page.open(f"{origin}/")
        await page.evaluate("new Promise((kept) => setTimeout(kept, 100))")
        assert {f"{origin}/", f"{origin}/there"} <= set(page.requests)
        assert "bad 7" in page.complaints
        assert any("Error: thrown" in each for each in page.complaints)
        with pytest.raises(PageFailed, match="no_such_thing is not defined"):
            await page.evaluate("no_such_thing")
        with pytest.raises(PageFailed, match="ERR_UNSAFE_PORT"):
            await page.open("http://127.0.0.1:9/")
