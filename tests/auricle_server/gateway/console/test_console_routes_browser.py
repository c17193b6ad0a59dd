"""What the policy of the page allows in a browser, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.auricle_server.gateway.conftest import Serve
from tests.support.browser.chromium import NEEDS_CHROMIUM, browser

pytestmark = [NEEDS_CHROMIUM, pytest.mark.slow, pytest.mark.timeout(150)]

WORKLET = "new OfflineAudioContext(1, 128, 16000).audioWorklet.addModule({module})"
FROM_BLOB = "URL.createObjectURL(new Blob(['registerProcessor'], {type: 'text/javascript'}))"
SOCKET = """new Promise((done) => {
    const socket = new WebSocket(`ws://${location.host}/v1/stream`, ["auricle.v1"]);
    socket.onopen = () => (socket.close(), done(true));
    socket.onerror = () => done(false);
})"""
OUTCOME = "Promise.resolve().then(() => {script}).then(() => 'allowed', (error) => error.name)"
INLINE = """(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    return window.ran === true;
})()"""


async def test_the_page_may_do_what_the_client_needs_and_nothing_else(serve: Serve, tmp_path: Path) -> None:
    async with serve() as url, serve() as other, browser(None, tmp_path) as page:
        address = url.replace("ws", "http", 1)
        await page.open(f"{address}/")
        worklet = WORKLET.format(module="'/console/auricle.js'")
        assert await page.evaluate(OUTCOME.format(script=worklet)) == "allowed"
        worklet = WORKLET.format(module=FROM_BLOB)
        assert await page.evaluate(OUTCOME.format(script=worklet)) == "AbortError"
        assert await page.evaluate(SOCKET) is True
        assert await page.evaluate(OUTCOME.format(script="fetch('/readyz')")) == "allowed"
        elsewhere = f"fetch('{other.replace('ws', 'http', 1)}/readyz', {{mode: 'no-cors'}})"
        assert await page.evaluate(OUTCOME.format(script=elsewhere)) == "TypeError"
        assert await page.evaluate(OUTCOME.format(script="new WebSocket('" + other + "/v1/stream')")) in {
            "SecurityError",
            "allowed",  # the constructor succeeds where the connection is refused later
        }
        assert await page.evaluate(f"({SOCKET.replace('${location.host}', other.removeprefix('ws://'))})") is False
        assert await page.evaluate(INLINE) is False


FRAMED = """new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = () => {
        try { done(frame.contentWindow.document.body !== null); } catch (error) { done(error.name); }
    };
    frame.src = "PATH";
    document.body.append(frame);
})"""


async def test_no_page_may_frame_it(serve: Serve, tmp_path: Path) -> None:
    async with serve() as url, browser(None, tmp_path) as page:
        await page.open(f"{url.replace('ws', 'http', 1)}/readyz")  # of the same origin, and without the page's policy
        assert await page.evaluate(FRAMED.replace("PATH", "/healthz")) is True
        assert await page.evaluate(FRAMED.replace("PATH", "/")) == "SecurityError"  # the browser shows its own error
