"""Key terms from the wire to the words: at the start, in band, after a cut, in the second pass; and without any."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.bench.clips import load_clips
from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from auricle_server.local import serve_locally
from tests.auricle_server.talk import Talk, talking

TERM = "photographer"
OFF = {"mode": "off"}


@pytest.fixture(scope="module")
def audio() -> npt.NDArray[np.int16]:
    """Its last words are "I wanted to be a photographer", which the demo model does not hear at 160 ms."""
    return load_clips()[-1].pcm


@pytest.fixture
async def demo() -> AsyncIterator[str]:
    async with serve_locally(ServerConfig(max_load=0)) as url:
        yield url


async def heard(talk: Talk, audio: npt.NDArray[np.int16]) -> str:
    await talk.say(audio)
    await talk.end()
    return talk.text


async def test_terms_of_the_start_are_favoured_and_neighbours_without_hear_the_same_as_ever(
    demo: str, audio: npt.NDArray[np.int16]
) -> None:
    async with talking(demo) as plain:
        await plain.start(latency_ms=160, turn=OFF)
        alone = await heard(plain, audio)
    assert TERM not in alone
    async with talking(demo) as plain, talking(demo) as favoured:
        await plain.start(latency_ms=160, turn=OFF)
        ready = await favoured.start(latency_ms=160, turn=OFF, keyterms=[TERM, "Nightingale"])
        assert ready["limits"]["keyterms"] == 1000
        await plain.say(audio)
        assert (await heard(favoured, audio)).endswith(f"a {TERM}.")
        await plain.end()
        assert plain.text == alone


async def test_terms_change_in_band(demo: str, audio: npt.NDArray[np.int16]) -> None:
    half = 4 * 16_000
    async with talking(demo) as talk:
        await talk.start(latency_ms=160, turn=OFF)
        await talk.say(audio[:half])
        await talk.send(type="update", keyterms=[TERM])
        assert (await heard(talk, audio[half:])).endswith(f"a {TERM}.")
    async with talking(demo) as talk:
        await talk.start(latency_ms=160, turn=OFF, keyterms=[TERM])
        await talk.say(audio[:half])
        await talk.send(type="update", keyterms=[])
        assert TERM not in await heard(talk, audio[half:])


async def test_terms_that_the_model_cannot_write_are_named_and_the_others_hold(
    demo: str, audio: npt.NDArray[np.int16]
) -> None:
    async with talking(demo) as talk:
        await talk.start(latency_ms=160, turn=OFF, keyterms=[TERM, "Zürich"])
        error = await talk.event()
        assert (error["code"], error["fatal"], error["fault"]) == ("unwritable_keyterms", False, "client")
        assert "'Zürich'" in error["message"]
        await talk.send(type="update", keyterms=["Łódź", TERM])
        assert "'Łódź'" in (await talk.event())["message"]
        assert (await heard(talk, audio)).endswith(f"a {TERM}.")


async def test_a_server_may_take_none() -> None:
    limits = {name: getattr(DEFAULT_LIMITS, name) for name in DEFAULT_LIMITS.__slots__} | {"keyterms": 0}
    config = ServerConfig(max_load=0, limits=type(DEFAULT_LIMITS)(**limits))
    async with serve_locally(config) as url:
        async with talking(url) as talk:
            ready = await talk.start()
            assert "keyterms" not in ready["limits"]
            await talk.send(type="update", keyterms=[TERM])
            error = await talk.event()
            assert (error["code"], error["fatal"]) == ("unsupported_keyterms", False)
        async with talking(url) as talk:
            await talk.send(type="start", keyterms=[TERM])
            assert json.dumps((await talk.rest())[-1]["code"]) == '"unsupported_keyterms"'
            assert talk.close_code == 1008
