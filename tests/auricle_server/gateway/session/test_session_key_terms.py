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
from tests.auricle_server.raw_client import RawClient, connected_client

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


async def heard(client: RawClient, audio: npt.NDArray[np.int16]) -> str:
    await client.send_audio(audio)
    await client.end()
    return client.text


async def test_terms_of_the_start_are_favoured_and_other_streams_are_unaffected(
    demo: str, audio: npt.NDArray[np.int16]
) -> None:
    async with connected_client(demo) as plain:
        await plain.start(latency_ms=160, turn=OFF)
        alone = await heard(plain, audio)
    assert SAID not in alone
    async with connected_client(demo) as plain, connected_client(demo) as favoured:
        await plain.start(latency_ms=160, turn=OFF)
        ready = await favoured.start(latency_ms=160, turn=OFF, keyterms=[*TERMS, "Nightingale"])
        assert ready["limits"]["keyterms"] == 1000
        await plain.send_audio(audio)
        assert SAID in await heard(favoured, audio)
        await plain.end()
        assert plain.text == alone


async def test_terms_change_in_band(demo: str, audio: npt.NDArray[np.int16]) -> None:
    half = 2 * 16_000
    async with connected_client(demo) as client:
        await client.start(latency_ms=160, turn=OFF)
        await client.send_audio(audio[:half])
        await client.send(type="update", keyterms=TERMS)
        assert SAID in await heard(client, audio[half:])
    async with connected_client(demo) as client:
        await client.start(latency_ms=160, turn=OFF, keyterms=TERMS)
        await client.send_audio(audio[:half])
        await client.send(type="update", keyterms=[])
        assert SAID not in await heard(client, audio[half:])


async def test_terms_that_the_model_cannot_write_are_named_and_the_others_hold(
    demo: str, audio: npt.NDArray[np.int16]
) -> None:
    async with connected_client(demo) as client:
        await client.start(latency_ms=160, turn=OFF, keyterms=[*TERMS, "Zürich"])
        error = await client.event()
        assert (error["code"], error["fatal"], error["fault"]) == ("unwritable_keyterms", False, "client")
        assert "'Zürich'" in error["message"]
        await client.send(type="update", keyterms=["Łódź", *TERMS])
        assert "'Łódź'" in (await client.event())["message"]
        assert SAID in await heard(client, audio)


async def test_a_server_may_take_none() -> None:
    async with serve_locally(ServerConfig(max_load=0, limits=replace(DEFAULT_LIMITS, keyterms=0))) as url:
        async with connected_client(url) as client:
            ready = await client.start()
            assert ready["limits"]["keyterms"] == 0
            await client.send(type="update", keyterms=TERMS)
            error = await client.event()
            assert (error["code"], error["fatal"]) == ("unsupported_keyterms", False)
        async with connected_client(url) as client:
            await client.send(type="start", keyterms=TERMS)
            assert (await client.rest())[-1]["code"] == "unsupported_keyterms"
            assert client.close_code == 1008
