"""The plug is pulled, and two streams hear the same sound: no word is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.console_page import console
from tests.support.browser.chromium import NEEDS_CHROMIUM

pytestmark = [NEEDS_CHROMIUM, pytest.mark.timeout(150)]


async def test_a_pulled_plug_loses_no_word(tones_server: str, tones_talk: tuple[Path, str], tmp_path: Path) -> None:
    path, text = tones_talk
    async with console(tones_server, tmp_path) as opened:
        await opened.open_file(path)
        await opened.page.until("document.querySelector('.interim')")
        await opened.page.click("#plug")
        await opened.page.until("document.querySelector('.state').textContent.startsWith('The connection is cut')")
        said = await opened.page.until("/^Back after.*/.exec(document.querySelector('.state').textContent)?.[0]")
        assert "The same stream went on" in said
        assert said.endswith("No word is lost.")
        await opened.page.click("#plug")
        await opened.finished()
        assert await opened.text() == text
        record = await opened.record()
    kinds = [event["kind"] for event in record["events"]]
    assert kinds.count("cut") == kinds.count("resumed") == 2
    assert kinds.count("stream") == 1
    assert all(event["lostSeconds"] == 0 for event in record["events"] if event["kind"] == "resumed")


async def test_two_streams_hear_the_same_sound_with_different_settings(
    tones_server: str, tones_talk: tuple[Path, str], tmp_path: Path
) -> None:
    path, text = tones_talk
    async with console(tones_server, tmp_path) as opened:
        await opened.choose("latencyMs", "80")
        await opened.page.click("#second")
        await opened.choose("latencyMs", "1120")
        await opened.choose("silenceMs", "3000")
        await opened.open_file(path)
        await opened.page.until("document.querySelector('.interim')")
        # The one with the smaller latency is ahead.
        first, second = await opened.page.evaluate(
            "[...document.querySelectorAll('.lane')].map((it) => it.querySelector('.interim')?.textContent ?? '')"
        )
        assert len(first) > len(second)
        await opened.finished()
        assert await opened.text(0) == text
        assert await opened.text(1) == text
        heads = await opened.page.evaluate(
            "[...document.querySelectorAll('.lane header')].map((head) => head.innerText)"
        )
        assert "Stream A" in heads[0]
        assert "80 ms" in heads[0]
        assert "Stream B" in heads[1]
        assert "1120 ms" in heads[1]
        read_aloud = await opened.page.evaluate("document.getElementById('read-aloud').innerText")
        assert "Stream A: " in read_aloud
        assert "Stream B: " in read_aloud
        await opened.page.click("#second")
        assert await opened.page.evaluate("document.querySelectorAll('.lane').length") == 1
        assert await opened.text() == text


async def test_a_second_stream_joins_a_running_take(
    tones_server: str, tones_talk: tuple[Path, str], tmp_path: Path
) -> None:
    path, text = tones_talk
    async with console(tones_server, tmp_path) as opened:
        await opened.open_file(path)
        await opened.page.until("document.querySelector('.interim')")
        await opened.page.click("#second")
        await opened.finished()
        assert await opened.text(0) == text
        late = (await opened.text(1)).split()
        assert late
        assert len(late) < len(text.split())
        assert late[-1] == text.split()[-1]
        await opened.page.evaluate("document.getElementById('saved').selectedIndex = 1")
        record = await opened.record()
    begins = next(event["time"] for event in record["events"] if event["kind"] == "stream")
    assert begins > 0
    assert record["segments"][0]["start"] >= begins, "its times are those of the take"
