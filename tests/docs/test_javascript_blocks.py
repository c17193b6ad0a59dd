"""Every JavaScript block of the pages runs as shown: programs and fragments in Node, pages in Chromium.

The comment before a block says how: `node` as a program, `stream` with an open `stream`, `client` as a fragment, `page`
in a browser whose user clicks on its first button.
"""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.docs.pages import ROOT, SERVER, Block, blocks
from tests.support import tones
from tests.support.browser.chromium import NEEDS_CHROMIUM, browser
from tests.support.browser.node import NEEDS_NODE, run_node
from tests.support.browser.site import site

PACKAGE = ROOT / "plugins" / "auricle-js"
AUDIO, SAID = tones.utterance(5, 3)
PROGRAMS = [each for each in blocks() if each.kind == "js"]
PAGES = [each for each in blocks() if each.kind == "html" and each.how == "page"]
AROUND = {
    "node": "{code}",
    "client": "import {{ AuricleClient }} from 'auricle-js';\n{code}\nglobalThis.stream?.close?.();\nprocess.exit();",
    "stream": (
        "import {{ AuricleClient }} from 'auricle-js';\nimport {{ readFile }} from 'node:fs/promises';\n"
        "const stream = await new AuricleClient('ws://127.0.0.1:8765').stream();\n"
        "await stream.send(new Uint8Array((await readFile('talk.wav')).subarray(44)));\n"
        "setTimeout(() => stream.end(), 500);\n{code}"
    ),
}


@pytest.fixture
async def open_server() -> AsyncIterator[str]:
    """A server that pages of any origin may use."""
    async with serve_locally(ServerConfig(max_load=0, allowed_origins=("*",)), model=str(tones.CHECKPOINT)) as url:
        yield url


def test_every_block_says_how_it_is_tested() -> None:
    assert {each.how for each in PROGRAMS} == set(AROUND)
    assert PAGES


@NEEDS_NODE
@pytest.mark.slow
@pytest.mark.parametrize("each", PROGRAMS, ids=str)
async def test_program(each: Block, tones_server: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "auricle-js").symlink_to(PACKAGE)
    talk(tmp_path)
    code = AROUND[each.how].format(code=each.code).replace(SERVER, tones_server)
    (tmp_path / "program.mjs").write_text(f"process.chdir(import.meta.dirname);\n{code}")
    printed = await run_node(tmp_path / "program.mjs", seconds=60)
    if each.how == "node":
        assert printed.split() == SAID.split()
    elif each.how == "stream":
        assert SAID.split()[0] in printed.split()


def talk(folder: Path, leading: float = 0.0) -> Path:
    with wave.open(str(folder / "talk.wav"), "wb") as file:
        file.setparams((1, 2, tones.SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(bytes(2 * round(leading * tones.SAMPLE_RATE)) + AUDIO.tobytes())
    return folder / "talk.wav"


@NEEDS_CHROMIUM
@pytest.mark.slow
@pytest.mark.parametrize("each", PAGES, ids=str)
async def test_page(each: Block, open_server: str, tmp_path: Path) -> None:
    files: dict[str, str | Path] = {"/": each.code.replace(SERVER, open_server), "/auricle.js": PACKAGE / "auricle.js"}
    async with site(files) as origin, browser(talk(tmp_path, 1.0), tmp_path / "profile") as page:
        await page.open(f"{origin}/")
        await page.click("button")
        if each.name == "js-captions":
            await page.until("document.querySelector('#captions').textContent.trim().split(' ').length >= 3")
        else:
            await page.until("document.querySelector('#level').value > 0.02")
            await page.click("#stop")
        assert [text for text in page.complaints if "favicon" not in text and "404" not in text] == []
