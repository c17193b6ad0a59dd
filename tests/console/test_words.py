"""Words on the page: of a clip, of files, and of a microphone."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
import soundfile

import auricle
from tests.console.console_page import console
from tests.support.browser.chromium import NEEDS_CHROMIUM
from tests.webrtc.clips import RATE, clip, likeness, recognised, silence, words

pytestmark = [NEEDS_CHROMIUM, pytest.mark.timeout(150)]


async def heard_by_the_client(url: str, path: Path, *, offline: bool = False) -> str:
    """What Auricle's Python client makes of a file."""
    pcm = soundfile.read(path, dtype="int16")[0]
    finals = await recognised(url, auricle.Start(offline=offline), [pcm.tobytes()])
    return " ".join(final.text for final in finals)


async def test_a_clip_has_the_words_of_the_python_client(auricle_url: str, tmp_path: Path) -> None:
    folder = Path(str(files("auricle_server") / "demo" / "audio"))
    entry = json.loads((folder / "manifest.json").read_text())[1]
    async with console(auricle_url, tmp_path) as opened:
        await opened.play_clip(1)
        grown = await opened.page.until("document.querySelector('.interim')?.textContent")
        assert "morning" not in grown
        await opened.finished()
        text = await opened.text()
        assert text == await heard_by_the_client(auricle_url, folder / entry["file"])
        assert likeness(text, entry["text"]) > 0.8
        assert await opened.page.evaluate("document.querySelector('.interim')") is None
        read_aloud = await opened.page.evaluate("document.getElementById('read-aloud').innerText")
        assert words(read_aloud) == words(text)
        assert await opened.page.evaluate("document.querySelector('.pace').textContent.startsWith('final after')")


async def test_files_have_the_words_of_the_python_client(
    tones_server: str, tones_talk: tuple[Path, str], tmp_path: Path
) -> None:
    path, text = tones_talk
    async with console(tones_server, tmp_path) as opened:
        await opened.open_file(path)
        await opened.page.until("document.getElementById('running').hidden === false")
        await opened.finished()
        assert await opened.text() == text
        await opened.page.drop_files("#speak", [path])
        await opened.page.until("document.querySelector('.word') === null")
        await opened.finished()
        assert await opened.text() == text
        # As a recording, which the server need not hear in real time.
        await opened.page.click("#fast")
        await opened.open_file(path)
        await opened.page.until(f"document.querySelectorAll('.word').length === {len(text.split())}")
        await opened.finished()
        assert await opened.text() == await heard_by_the_client(tones_server, path, offline=True)


async def test_a_file_that_is_no_sound_is_named(tones_server: str, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("no sound")
    async with console(tones_server, tmp_path) as opened:
        await opened.open_file(tmp_path / "letter.txt")
        problem = await opened.page.until("document.querySelector('#notices [role=alert]')?.innerText")
        assert problem.startswith("letter.txt: this browser cannot play it")


async def test_a_microphone_is_heard(auricle_url: str, tmp_path: Path) -> None:
    pcm, text = clip(leading=1.0)
    soundfile.write(tmp_path / "speech.wav", pcm, RATE)
    async with console(auricle_url, tmp_path, speech=tmp_path / "speech.wav") as opened:
        await opened.speak()
        await opened.page.until("document.querySelectorAll('.note.end').length === 2")
        await opened.stop()
        assert likeness(await opened.text(), text) > 0.8
        assert await opened.page.evaluate("document.getElementById('source').textContent") != "microphone"


async def test_silence_has_no_words(tones_server: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", silence(1.0), RATE)
    async with console(tones_server, tmp_path) as opened:
        await opened.open_file(tmp_path / "silence.wav")
        await opened.page.until("document.getElementById('running').hidden === false")
        await opened.finished()
        assert await opened.text() == ""
