"""The JavaScript client in a browser: a microphone, real servers, a plug that is pulled, and what people are told."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_js.listening import heard
from tests.support import tones
from tests.support.browser.chromium import NEEDS_CHROMIUM, browser
from tests.support.browser.page import Page
from tests.support.browser.site import site
from tests.webrtc.clips import RATE, clip, likeness

pytestmark = [NEEDS_CHROMIUM, pytest.mark.slow, pytest.mark.timeout(150)]

CLIENT = Path(__file__).parents[2] / "plugins" / "auricle-js" / "auricle.js"
PAGE = Path(__file__).with_name("page.html")
STRICT = "default-src 'none'; script-src 'self'; connect-src *"
RAW = "echoCancellation: false, noiseSuppression: false, autoGainControl: false"


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    files = {"/": PAGE, "/page.js": PAGE.with_name("page.js"), "/auricle.js": CLIENT}
    async with site(files, {"Content-Security-Policy": STRICT}) as address:
        yield address


def speech(folder: Path, leading: float = 1.0) -> Path:
    soundfile.write(folder / "speech.wav", clip(leading=leading)[0], RATE)
    return folder / "speech.wav"


async def frames_of(page: Page, expression: str) -> bytes:
    return base64.b64decode(await page.evaluate(f"encode({expression})"))


async def test_words_of_a_microphone_equal_the_python_clients(auricle_url: str, origin: str, tmp_path: Path) -> None:
    """Of the very samples that the page has sent; and a plug that is pulled in between changes nothing."""
    async with browser(speech(tmp_path), tmp_path / "profile") as page:
        await page.open(origin)
        await page.evaluate(f"speak({auricle_url!r}, {{ latencyMs: 160 }}, {{ {RAW}, workletUrl: '/auricle.js' }})")
        await page.until("talk.text.includes('want')")
        await page.evaluate("talk.stream.breakConnection()")
        await page.until("talk.of('turn_end').length >= 2")
        told = await page.evaluate("talk.end()")
        pcm = await frames_of(page, "talk.frames")
        assert page.complaints == []
        asked = {each for each in page.requests if not each.endswith("/favicon.ico")}
        assert asked == {
            f"{origin}/",
            f"{origin}/page.js",
            f"{origin}/auricle.js",
            f"{auricle_url}/v1/stream?latency_ms=160",
        }
    kinds = [event["type"] for event in told["events"]]
    assert "resumed" in kinds
    assert "replayed" not in kinds
    assert told["dropped"] == 0
    assert told["lengths"] == [320]  # 20 ms each
    assert told["spoken"] == await heard(auricle_url, pcm)
    said = " ".join(event["text"] for event in told["spoken"] if event["type"] == "final")
    assert likeness(said, clip()[1]) > 0.8


@pytest.mark.parametrize("rate", [44_100, 48_000])
async def test_a_microphone_at_another_rate_is_resampled(rate: int, tmp_path: Path) -> None:
    """A context of the device's rate, as browsers need that do not convert; by the worklet, here from a Blob."""
    files = {"/": PAGE, "/page.js": PAGE.with_name("page.js"), "/auricle.js": CLIENT}
    context = f"new AudioContext({{ sampleRate: {rate} }})"
    async with site(files) as loose, browser(tone(tmp_path, 1000), tmp_path / "profile") as page:
        await page.open(loose)
        told = await page.evaluate(f"listen({{ {RAW}, audioContext: {context} }}, 1)")
        pcm = await frames_of(page, "heard")
    assert told["sampleRate"] == 16_000
    loud, frequency = level_and_pitch(pcm)
    assert loud > 0.05
    assert abs(frequency - 1000) < 5


def tone(folder: Path, hertz: float) -> Path:
    import numpy as np

    time = np.arange(10 * 48_000) / 48_000
    soundfile.write(folder / "tone.wav", 0.3 * np.sin(2 * np.pi * hertz * time), 48_000)
    return folder / "tone.wav"


def level_and_pitch(pcm: bytes) -> tuple[float, float]:
    """Loudest amplitude of the second half, and the frequency in which most of it is."""
    import numpy as np

    samples = np.frombuffer(pcm, "<i2")[-8_000:] / 32768
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.abs(samples).max()), float(spectrum.argmax() * 16_000 / len(samples))


async def test_a_strict_policy_without_an_address_for_the_worklet_is_explained(origin: str, tmp_path: Path) -> None:
    async with browser(None, tmp_path / "profile") as page:
        await page.open(origin)
        reason, message = await page.evaluate("failure(() => Microphone.open())")
    assert (reason, "workletUrl" in message) == ("unsupported", True)


@pytest.mark.parametrize(
    ("microphone", "options", "reason", "words"),
    [
        ("denied", "{}", "denied", "allow it"),
        ("none", "{}", "missing", "no microphone"),
        ("granted", "{ deviceId: 'no-such-device' }", "missing", "choose another"),
    ],
)
async def test_a_microphone_that_cannot_be_had_says_why(
    origin: str, microphone: str, options: str, reason: str, words: str, tmp_path: Path
) -> None:
    async with browser(None, tmp_path / "profile", microphone=microphone) as page:
        await page.open(origin)
        told = await page.evaluate(f"failure(() => Microphone.open({options}))")
    assert told[0] == reason
    assert words in told[1]


async def test_a_page_over_plain_http_is_told_so(origin: str, tmp_path: Path) -> None:
    async with browser(None, tmp_path / "profile") as page:
        # Only 127.0.0.1 and localhost are secure without TLS; this name resolves to them all the same.
        await page.open(
            origin,
            script="Object.defineProperty(window, 'isSecureContext', { value: false });"
            "delete Navigator.prototype.mediaDevices;",
        )
        told = await page.evaluate("failure(() => Microphone.open())")
    assert told[0] == "insecure"
    assert "https" in told[1]


async def test_devices_are_listed_chosen_muted_and_released(origin: str, tmp_path: Path) -> None:
    async with browser(tone(tmp_path, 500), tmp_path / "profile") as page:
        await page.open(origin)
        told: dict[str, Any] = await page.evaluate("devices()")
    assert told["label"] == told["listed"]["label"] != ""
    assert told["loud"] > 0.05
    assert told["muted"] == 0
    assert told["states"] == [True, False]
    assert told["tracks"] == ["ended"]
    assert told["ended"] == [{"error": None}]
    assert told["iterated"] > 5


async def test_a_page_hears_why_it_is_refused(origin: str, tmp_path: Path) -> None:
    key = "key-0123456789-0123456789-0123456789"
    config = ServerConfig(max_load=0, api_keys=(key,), allowed_origins=(origin,), slots=1)
    async with serve_locally(config, model=str(tones.CHECKPOINT)) as url, browser(None, tmp_path / "profile") as page:
        await page.open(origin)
        assert (await page.evaluate(f"failure(() => open({url!r}, {{ token: 'wrong' }}))"))[0] == "unauthorized"
        await page.evaluate(f"open({url!r}, {{ token: '{key}' }}).then((stream) => (window.held = stream))")
        full = await page.evaluate(f"failure(() => open({url!r}, {{ token: '{key}' }}))")
        assert full[0] == "server_full"
        await page.evaluate("held.end()")
        async with serve_locally(ServerConfig(max_load=0), model=str(tones.CHECKPOINT)) as other:
            assert (await page.evaluate(f"failure(() => open({other!r}))"))[0] == "origin_not_allowed"
        assert (await page.evaluate("failure(() => open('ws://127.0.0.1:9'))"))[0] is None
