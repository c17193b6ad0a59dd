"""`auricle demo --browser` as its user sees it: real servers, both frameworks, Chromium."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile

from auricle_server.demo.browser_screen import BrowserScreen, programme_event, result_event
from auricle_server.demo.event_log import EventLog
from auricle_server.demo.page_site import PageSite
from auricle_server.demo.programme import compose, load_clips
from auricle_server.demo.run import LATENCIES_MS
from auricle_server.demo.scores import score_track
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track
from tests.console.console_page import ConsolePage
from tests.console.test_accessibility import assert_accessible
from tests.support import tones
from tests.support.browser.chromium import NEEDS_CHROMIUM, browser

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]

LANES = "document.querySelectorAll('.demo-lane')"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """One utterance of two-tone words, its end found by its energy."""
    folder = tmp_path / "clips"
    folder.mkdir()
    pcm, text = tones.utterance(21, 6)
    loud = np.convolve(np.abs(pcm.astype(np.float64)), np.ones(160) / 160, "same")
    end = np.flatnonzero(loud > 0.2 * loud.max())[-1] / 16_000
    soundfile.write(folder / "clip.flac", pcm, 16_000)
    entry = {"file": "clip.flac", "text": text, "voice": "tones", "speech_end": float(end)}
    (folder / "manifest.json").write_text(json.dumps([entry]))
    return folder


@pytest.mark.timeout(280)
async def test_eight_lanes_play_and_end_with_the_terminals_result(clips: Path, tmp_path: Path) -> None:
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "auricle_server", "demo", "--browser"),
        *("--model", str(tones.CHECKPOINT), "--clips", str(clips)),
        env=os.environ | {"BROWSER": f"{opener} %s"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(240):
            printed = ""
            while "The demo is in your browser, at " not in printed:
                line = await process.stdout.readline()
                assert line, printed
                printed += line.decode()
            url = (tmp_path / "opened").read_text().strip()
            assert url in printed
            async with browser(None, tmp_path / "profile") as page:
                await page.open(url)
                assert await page.until(f"{LANES}.length") == 8
                await page.click(".demo-lane:nth-child(2) .listen")
                assert await page.evaluate("document.querySelectorAll('.listen[aria-pressed=true]').length") == 1
                await page.until("!document.querySelector('#results').hidden")
                await keep(await page.screenshot(whole=True))
                shown = await page.evaluate("[...document.querySelectorAll('.verdict li')].map(it => it.innerText)")
                texts = await page.evaluate(f"[...{LANES}].map(it => it.querySelector('.caption').innerText)")
                assert all(texts)
                await page.click("#end")
                await page.until("document.querySelector('#state').innerText.includes('has ended')")
                assert page.complaints == []
                assert {urlsplit(each).netloc for each in page.requests if not each.startswith("about:")} == {
                    urlsplit(url).netloc
                }
            rest = (await process.stdout.read()).decode()
            passed = "Every turn end came, and every word error rate is within its limit." in shown
            # A busy machine may spoil the run, as test_run tells; page and terminal must say the same of it.
            assert await process.wait() == (0 if passed else 1), rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert all(line in rest for line in shown)
    assert "The page was closed" in rest


@pytest.mark.timeout(120)
@pytest.mark.skipif(find_spec("axe_playwright_python") is None, reason="axe-playwright-python is not installed")
async def test_no_state_of_the_page_has_a_violation(tmp_path: Path) -> None:
    axe = (files("axe_playwright_python") / "axe.min.js").read_text()
    log, programme = EventLog(), compose(load_clips()[:2])
    tracks = [Track(host, ms, programme, lambda *_: None) for host in ("Pipecat", "LiveKit") for ms in LATENCIES_MS]
    log.restart(programme_event(tracks, "ws://127.0.0.1:8765"))
    screen = BrowserScreen(log, tracks)
    site = PageSite(log, programme)
    async with site.serving(), browser(None, tmp_path / "profile") as page:
        await page.open(site.url)
        await page.evaluate(axe + "\n;undefined")
        opened = ConsolePage(page, site.url, tmp_path)
        end = programme.utterances[0].speech_end
        for track in tracks:
            track.captions += [
                CaptionEvent(CaptionKind.INTERIM, "Hello, how", end - 0.5),
                CaptionEvent(CaptionKind.FINAL, programme.utterances[0].text, end + 0.4),
                CaptionEvent(CaptionKind.TURN_END, programme.utterances[0].text, end + 0.5),
            ]
            for caption in track.captions:
                screen.show_caption(track, caption)
        await page.until("document.querySelectorAll('.delay-turn-end').length === 8")
        await assert_accessible(opened, "while it plays")
        log.publish(result_event([(track, score_track(track)) for track in tracks]))
        await page.click("details summary")
        await assert_accessible(opened, "with the results")
        assert page.complaints == []


async def keep(picture: bytes) -> None:
    """Writes a picture of the page into a folder, where somebody has named one."""
    folder = os.environ.get("AURICLE_SCREENSHOTS")
    if folder:
        await asyncio.to_thread((Path(folder) / "demo_page.png").write_bytes, picture)
