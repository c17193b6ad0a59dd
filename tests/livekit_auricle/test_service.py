"""Several servers, and what the streams of one `STT` share."""

from __future__ import annotations

import asyncio

import pytest
from livekit.agents import APIConnectOptions, APIStatusError
from livekit.plugins import auricle

from auricle import ReconnectPolicy
from auricle.protocol import codes
from tests.support.adapters.livekit_session import EnergyVAD, frames, listening
from tests.support.adapters.livekit_stream import FINAL, collect, push, texts, transcribe, up_to
from tests.support.levels import audio, level_server
from tests.support.scripted.script import Fault, Refusal

ONCE = APIConnectOptions(max_retry=0)
QUICK = ReconnectPolicy(first_delay=0.02, jitter=0.0)


async def test_a_full_server_is_passed_over_and_what_one_stream_learns_the_next_one_knows() -> None:
    async with level_server(refusals=[Refusal(503)] * 9) as full, level_server() as free:
        stt = auricle.STT(url=[full.url, free.url])
        assert texts(await transcribe(stt, audio("hello there"))) == ["hello there"]
        assert (await stt.recognize(frames(audio("hello")))).alternatives[0].text == "hello"
    assert (len(full.headers), len(full.starts), len(free.starts)) == (1, 0, 2)


async def test_one_that_dies_in_mid_stream_is_followed_by_the_next() -> None:
    speech = audio(0.1, "hello there how are", 0.1)
    async with (
        level_server(faults=[Fault("fail", seconds=0.6, code=codes.INTERNAL)]) as first,
        level_server() as second,
        listening(
            speech,
            stt=auricle.STT(url=(first.url, second.url), reconnect=QUICK),
            vad=EnergyVAD(),
            turn_handling={"turn_detection": "vad", "endpointing": {"min_delay": 0.25}},
        ) as heard,
    ):
        await heard.until(lambda: bool(heard.turns))
    assert heard.turns == heard.finals == ["hello there how are"]
    assert (len(first.starts), len(second.starts)) == (1, 1)


async def test_what_is_offered_is_what_the_server_in_use_offers() -> None:
    async with (
        level_server(faults=[Fault("fail", seconds=0.2, code=codes.INTERNAL)]) as first,
        level_server(languages=("en-US",)) as second,
    ):
        stt = auricle.STT(url=(first.url, second.url), reconnect=QUICK)
        async with stt.stream() as stream:
            push(stream, audio(0.3, "hello"))
            stream.flush()
            assert texts(await up_to(stream, FINAL)) == ["hello"]
            with pytest.raises(ValueError, match="language: the server offers en-US, not de-DE"):
                stt.update_options(language="de-DE")
    assert (len(first.starts), len(second.starts)) == (1, 1)


async def test_when_all_are_full_livekit_may_try_again() -> None:
    async with level_server(refusals=[Refusal(503)]) as one, level_server(refusals=[Refusal(503)]) as other:
        stt = auricle.STT(url=[one.url, other.url])
        async with stt.stream(conn_options=ONCE) as stream:
            with pytest.raises(APIStatusError) as full:
                await collect(stream)
    assert (full.value.status_code, full.value.retryable) == (503, True)
    assert (len(one.headers), len(other.headers)) == (1, 1)


def test_every_address_is_checked() -> None:
    with pytest.raises(ValueError, match="expected an address like ws://"):
        auricle.STT(url=["ws://127.0.0.1:1", "localhost"])
    with pytest.raises(ValueError, match="at least one server"):
        auricle.STT(url=[])


async def test_streams_share_one_session_which_goes_with_the_last_of_them() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        async with stt.stream() as first, stt.stream() as second:
            for stream in (first, second):
                push(stream, audio("hello"))
                stream.flush()
                assert texts(await up_to(stream, FINAL)) == ["hello"]
            assert stt._service._pool is not None
            session = stt._service._pool.client._session
            assert session is not None
            await first.aclose()
            assert not session.closed
        assert session.closed
        assert texts(await transcribe(stt, audio("there"))) == ["there"]


async def test_closing_leaves_no_task_and_no_connection() -> None:
    async with level_server() as server:
        before = asyncio.all_tasks()
        stt = auricle.STT(url=server.url)
        streams = [stt.stream() for _ in range(3)]
        for stream in streams:
            push(stream, audio("hello", 0.2))
            stream.flush()
            await up_to(stream, FINAL)
        push(streams[0], audio("there"))
        await stt.aclose()
        async with asyncio.timeout(5):
            await server.until_deserted()
        ours = {task for task in asyncio.all_tasks() - before if "auricle" in repr(task) and "tests" not in repr(task)}
        assert not ours
        assert stt._service._pool is not None
        assert stt._service._pool.client._session is None


async def test_a_notice_is_a_warning_and_not_a_refused_change(
    tones_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    stt = auricle.STT(url=tones_server, keyterms=["Łódź"])
    await transcribe(stt, audio("hello there"))
    [warning] = [record for record in caplog.records if "cannot write 'Łódź'" in record.message]
    assert warning.levelname == "WARNING"
    assert "refused" not in warning.message
    assert getattr(warning, "code", None) == codes.UNWRITABLE_KEYTERMS
