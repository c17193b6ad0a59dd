"""Every control acts in the running stream: seen in what the stream does from then on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from tests.console.console_page import ConsolePage, console
from tests.support import tones
from tests.support.browser.chromium import NEEDS_CHROMIUM
from tests.support.servers.server_thread import serving_in_a_thread

pytestmark = [NEEDS_CHROMIUM, pytest.mark.timeout(200)]

PAUSE = 1.2
SILENCE = "document.querySelectorAll('.note.end').length"


@pytest.fixture(scope="module")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six phrases of two-tone words with pauses between, 14 s."""
    pieces = []
    for seed in range(6):
        pieces += [tones.utterance(seed, 3, trailing=0.0)[0], np.zeros(round(PAUSE * tones.SAMPLE_RATE), np.int16)]
    path = tmp_path_factory.mktemp("phrases") / "phrases.wav"
    soundfile.write(path, np.concatenate(pieces), tones.SAMPLE_RATE)
    return path


async def playing(opened: ConsolePage, path: Path) -> None:
    """Starts the file, and waits for the first turn's end."""
    await opened.open_file(path)
    await opened.page.until(f"{SILENCE} >= 1")


async def test_turns_and_latency_change_in_the_running_stream(tones_server: str, phrases: Path, tmp_path: Path) -> None:
    async with console(tones_server, tmp_path) as opened:
        await opened.choose("latencyMs", "160")
        await playing(opened, phrases)
        await opened.choose("latencyMs", "80")
        await opened.choose("silenceMs", "300")
        await opened.choose("eagerSilence", "on")
        await opened.choose("eagerSilenceMs", "160")
        await opened.page.until(f"{SILENCE} >= 3")
        await opened.choose("mode", "off")
        before = await opened.page.evaluate("document.querySelectorAll('.word').length")
        await opened.page.until("document.querySelector('.interim')")
        await opened.page.click("#finalize")
        await opened.page.until(f"document.querySelectorAll('.word').length > {before}")
        await opened.finished()
        assert "80 ms · no turns" in await opened.page.evaluate("document.querySelector('.lane header').innerText")
        record = await opened.record()
    ends = [event for event in record["events"] if event["kind"] == "turn_end"]
    silences = [event["time"] - event["speechEnd"] for event in ends]
    assert 0.5 <= silences[0] <= 0.7, "500 ms, on chunks of 160"
    assert 0.3 <= silences[2] <= 0.4, "300 ms, on chunks of 80"
    assert ends[-1]["time"] < record["seconds"] - 2 * PAUSE, "turns were switched off"
    kinds = [event["kind"] for event in record["events"]]
    assert kinds.count("update") == 5
    assert "turn_eager_end" in kinds
    assert {event["changed"].get("latencyMs") for event in record["events"] if event["kind"] == "update"} >= {80}
    assert all(one["decided"] <= other["decided"] for one, other in pairwise(record["segments"]))


async def test_the_second_pass_and_key_terms_begin_in_the_running_stream(
    tones_server: str, phrases: Path, tmp_path: Path
) -> None:
    async with console(tones_server, tmp_path) as opened:
        await playing(opened, phrases)
        await opened.choose("refine", "on")
        await opened.choose("keyterms", "with his\nfor they")
        await opened.page.until("document.querySelector('.state').textContent === '2 key terms in force'")
        await opened.choose("language", "en-US")
        await opened.choose("numbers", "smart")
        await opened.page.until(f"{SILENCE} >= 3")
        await opened.stop()
        record = await opened.record()
    refined = [segment["refined"] for segment in record["segments"]]
    assert refined[0] is False
    assert refined[-1] is True
    changes = {name for event in record["events"] if event["kind"] == "update" for name in event["changed"]}
    assert changes == {"refine", "keyterms", "language", "textFormat"}
    assert record["settings"]["keyterms"] == ["with his", "for they"]
    assert not [event for event in record["events"] if event["kind"] == "error"]


async def test_meaning_ends_turns_with_a_probability(auricle_url: str, tmp_path: Path) -> None:
    async with console(auricle_url, tmp_path) as opened:
        await opened.choose("mode", "semantic")
        await opened.choose("endThreshold", "0.6")
        await opened.play_clip(1)
        await opened.finished()
        record = await opened.record()
        ends = [event for event in record["events"] if event["kind"] == "turn_end"]
        assert len(ends) == 2
        assert all(0.6 <= event["probability"] < 1 for event in ends)
        assert len(await opened.notes("end")) == 2
        # Another threshold in the running stream.
        await opened.choose("endThreshold", "1")
        await opened.choose("maxSilenceMs", "3000")
        await opened.play_clip(1)
        await opened.finished()
        assert len(await opened.turns()) == 1


async def test_the_language_changes_in_the_running_stream(tmp_path: Path) -> None:
    with serving_in_a_thread(ServerConfig(max_load=0), model="demo-multilingual") as url:
        async with console(url, tmp_path) as opened:
            offered = await opened.page.evaluate(
                "[...document.getElementById('language').options].map((it) => it.text)"
            )
            assert {"detected by the model", "German (Germany) (de-DE)"} <= set(offered)
            await opened.play_clip(1)
            await opened.choose("language", "en-US")
            await opened.page.until("document.querySelector('.note.end')")
            await opened.choose("language", "auto")
            await opened.stop()
            record = await opened.record()
    changes = [event["changed"] for event in record["events"] if event["kind"] == "update"]
    assert changes == [{"language": "en-US"}, {"language": "auto"}]
    assert not [event for event in record["events"] if event["kind"] == "error"]
    assert next(event["language"] for event in record["events"] if event["kind"] == "language") == "en-US"


@pytest.fixture(scope="module")
def few_arcs_url() -> Iterator[str]:
    """A server that takes two key terms."""
    config = ServerConfig(max_load=0, limits=replace(DEFAULT_LIMITS, keyterms=2))
    with serving_in_a_thread(config, model=str(tones.CHECKPOINT)) as url:
        yield url


async def test_a_refused_setting_goes_back_and_says_why(few_arcs_url: str, phrases: Path, tmp_path: Path) -> None:
    async with console(few_arcs_url, tmp_path) as opened:
        await playing(opened, phrases)
        await opened.choose("keyterms", "one\ntwo\nthree")
        said = await opened.page.until("document.querySelector('.state').textContent")
        assert "key terms" in said or "keyterms" in said
        await opened.page.until("document.getElementById('keyterms').value === ''")
        await opened.stop()
        assert (await opened.record())["settings"]["keyterms"] == []
