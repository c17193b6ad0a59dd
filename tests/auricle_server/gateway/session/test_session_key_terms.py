"""Key terms from the wire to the words: at the start, in band, after a cut, in the second pass; and without any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from auricle_server.bench.clips import load_clips
from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_server.talk import Talk, talking

TERMS = ["receive", "side"]
SAID = "Remind me to receive the side"
OFF = {"mode": "off"}


@pytest.fixture(scope="module")
def audio() -> npt.NDArray[np.int16]:
    """Has `SAID` in it, which the demo model does not hear at 160 ms."""
    return load_clips()[4].pcm[: 5 * 16_000]


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
    assert SAID not in alone
    async with talking(demo) as plain, talking(demo) as favoured:
        await plain.start(latency_ms=160, turn=OFF)
        ready = await favoured.start(latency_ms=160, turn=OFF, keyterms=[*TERMS, "Nightingale"])
        assert ready["limits"]["keyterms"] == 1000
        await plain.say(audio)
        assert SAID in await heard(favoured, audio)
        await plain.end()
        assert plain.text == alone


async def test_terms_change_in_band(demo: str, audio: npt.NDArray[np.int16]) -> None:
    half = 2 * 16_000
    async with talking(demo) as talk:
        await talk.start(latency_ms=160, turn=OFF)
        await talk.say(audio[:half])
        await talk.send(type="update", keyterms=TERMS)
        assert SAID in await heard(talk, audio[half:])
    async with talking(demo) as talk:
        await talk.start(latency_ms=160, turn=OFF, keyterms=TERMS)
        await talk.say(audio[:half])
        await talk.send(type="update", keyterms=[])
        assert SAID not in await heard(talk, audio[half:])


async def test_terms_that_the_model_cannot_write_are_named_and_the_others_hold(
    demo: str, audio: npt.NDArray[np.int16]
) -> None:
    async with talking(demo) as talk:
        await talk.start(latency_ms=160, turn=OFF, keyterms=[*TERMS, "Zürich"])
        error = await talk.event()
        assert (error["code"], error["fatal"], error["fault"]) == ("unwritable_keyterms", False, "client")
        assert "'Zürich'" in error["message"]
        await talk.send(type="update", keyterms=["Łódź", *TERMS])
        assert "'Łódź'" in (await talk.event())["message"]
        assert SAID in await heard(talk, audio)


async def test_a_server_may_take_none() -> None:
    async with serve_locally(ServerConfig(max_load=0, limits=replace(DEFAULT_LIMITS, keyterms=0))) as url:
        async with talking(url) as talk:
            ready = await talk.start()
            assert ready["limits"]["keyterms"] == 0
            await talk.send(type="update", keyterms=TERMS)
            error = await talk.event()
            assert (error["code"], error["fatal"]) == ("unsupported_keyterms", False)
        async with talking(url) as talk:
            await talk.send(type="start", keyterms=TERMS)
            assert (await talk.rest())[-1]["code"] == "unsupported_keyterms"
            assert talk.close_code == 1008
