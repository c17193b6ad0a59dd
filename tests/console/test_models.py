"""The model of the page's streams, on a server with several."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from auricle_server.config import ServerConfig
from tests.console.console_page import console
from tests.support import tones
from tests.support.browser.chromium import NEEDS_CHROMIUM
from tests.support.servers.server_thread import serving_in_a_thread

pytestmark = [NEEDS_CHROMIUM, pytest.mark.timeout(200)]

CHOOSE = (
    "(select => { select.value = %s; select.dispatchEvent(new Event('change')); })(document.getElementById('model'))"
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    config = ServerConfig(model=f"one={tones.CHECKPOINT},two={tones.CHECKPOINT}", max_load=0)
    with serving_in_a_thread(config) as url:
        yield url


async def test_the_model_is_chosen_in_the_head_of_the_page(
    url: str, tones_talk: tuple[Path, str], tmp_path: Path
) -> None:
    talk, _ = tones_talk
    async with console(url, tmp_path) as opened:
        assert await opened.page.evaluate("document.getElementById('model').value") == "one"
        await opened.page.evaluate(CHOOSE % json.dumps("two"))
        await opened.page.until("location.search === '?model=two' && document.getElementById('model')?.value === 'two'")
        await opened.page.until("document.getElementById('code') && document.querySelector('#language option')")
        await opened.open_file(talk)
        await opened.finished()
        assert (await opened.record())["model"] == "two"
        await opened.page.click("#code")
        assert 'model="two"' in await opened.page.evaluate("document.querySelector('dialog[open]').innerText")
