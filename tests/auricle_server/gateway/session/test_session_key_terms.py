"""Key terms from the wire to the words: at the start, in band, after a cut, in the second pass; and without any."""

from __future__ import annotations

import asyncio
import random
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
        assert (await favoured.event())["count"] == 3
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
        assert (await client.event("keyterms_in_force"))["count"] == len(TERMS)
        assert SAID in await heard(client, audio[half:])
    async with connected_client(demo) as client:
        await client.start(latency_ms=160, turn=OFF, keyterms=TERMS)
        await client.send_audio(audio[:half])
        await client.send(type="update", keyterms=[])
        while (await client.event("keyterms_in_force"))["count"]:
            pass
        assert SAID not in await heard(client, audio[half:])


async def test_terms_that_the_model_cannot_write_are_named_and_the_others_hold(
    demo: str, audio: npt.NDArray[np.int16]
) -> None:
    async with connected_client(demo) as client:
        await client.start(latency_ms=160, turn=OFF, keyterms=[*TERMS, "Zürich"])
        error = await client.event("error")
        assert (error["code"], error["fatal"], error["fault"]) == ("unwritable_keyterms", False, "client")
        assert "'Zürich'" in error["message"]
        await client.send(type="update", keyterms=["Łódź", *TERMS])
        assert "'Łódź'" in (await client.event("error"))["message"]
        while (await client.event("keyterms_in_force"))["count"] != len(TERMS) + 1:
            pass
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


def long_list(seed: int) -> list[str]:
    """As many phrases as a stream may have, of 24 characters and several words."""
    rng = random.Random(seed)
    return ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz    ", k=24)) for _ in range(1000)]


async def heard_with_finalizes(client: RawClient, audio: npt.NDArray[np.int16]) -> str:
    """What a stream with two terms says when each second of it is made final."""
    await client.start(latency_ms=160, turn=OFF, keyterms=TERMS)
    assert (await client.event("keyterms_in_force"))["count"] == len(TERMS)
    for number, at in enumerate(range(0, len(audio), 16_000)):
        await client.send_audio(audio[at : at + 16_000])
        await client.send(type="finalize", id=str(number))
        assert (await client.event("final"))["finalize_id"] == str(number)
    await client.end()
    return client.text


async def test_one_with_endless_long_lists_holds_up_no_finalize_of_another(
    demo: str, audio: npt.NDArray[np.int16]
) -> None:
    """One with two phrases went without an answer for more than 25 s. The half minute is for a busy machine."""
    async with connected_client(demo) as alone:
        expected = await heard_with_finalizes(alone, audio)
    async with connected_client(demo) as hostile, connected_client(demo) as honest, asyncio.timeout(30):
        await hostile.start(latency_ms=160, turn=OFF, keyterms=long_list(0))
        for seed in range(1, 30):
            await hostile.send(type="update", keyterms=long_list(seed))
        assert await heard_with_finalizes(honest, audio) == expected
        await hostile.end()
        assert hostile.kinds.count("keyterms_in_force") < 30, "newer lists replace those that are not built yet"


async def test_ten_with_long_lists_have_their_first_final_at_once(demo: str, audio: npt.NDArray[np.int16]) -> None:
    """They waited 3 to 45 s. A file waits for its terms, and its words are those that it has alone."""

    async def first_final(seed: int) -> None:
        async with connected_client(demo) as client:
            await client.start(latency_ms=560, turn=OFF, keyterms=long_list(seed))
            await client.send_audio(audio[: 2 * 16_000])
            await client.send(type="finalize", id="one")
            assert (await client.event("final"))["finalize_id"] == "one"
            if "keyterms_in_force" not in client.kinds:
                assert (await client.event("keyterms_in_force"))["count"] == 1000
            await client.end()

    async with asyncio.timeout(60):
        await asyncio.gather(*(first_final(seed) for seed in range(10)))


async def test_a_recording_waits_for_its_terms(demo: str, audio: npt.NDArray[np.int16]) -> None:
    async def words() -> str:
        async with connected_client(demo) as client:
            await client.start(offline=True, turn=OFF, keyterms=[*TERMS, *long_list(1)[:990]])
            await client.send_audio(audio)
            await client.end()
            assert client.kinds.index("keyterms_in_force") < client.kinds.index("final")
            return client.text

    assert await words() == await words()
