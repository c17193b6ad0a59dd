"""Key terms: the user's own and the session's, on servers that take them and on servers that do not."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from livekit.agents import APIStatusError
from livekit.agents.stt import RecognizeStream
from livekit.plugins import auricle

from auricle.protocol import Update
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.support.adapters.livekit_session import EnergyVAD, frames, listening
from tests.support.adapters.livekit_stream import FINAL, collect, push, texts, transcribe, up_to
from tests.support.audio.recordings import recording
from tests.support.levels import LIMITS, Audio, audio, level_server
from tests.support.scripted_server import ScriptedServer


def updates(server: ScriptedServer) -> list[Update]:
    return [item for item in server.received if isinstance(item, Update)]


async def say(stream: RecognizeStream, words: str) -> list[str]:
    push(stream, audio(words, 0.1))
    stream.flush()
    return texts(await up_to(stream, FINAL))


async def test_the_users_own_open_the_stream() -> None:
    async with level_server(takes_keyterms=True) as server:
        await transcribe(auricle.STT(url=server.url, keyterms=["Auricle", "NeMo"]), audio("hello"))
    assert server.starts[0].keyterms == ("Auricle", "NeMo")
    assert updates(server) == []


async def test_a_server_that_takes_none_refuses_a_stream_opened_with_them_for_good() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, keyterms=["Auricle"])
        with pytest.raises(APIStatusError, match="takes no key terms") as refusal:
            await transcribe(stt, audio("hello"))
        assert (refusal.value.status_code, refusal.value.retryable) == (400, False)
    assert len(server.starts) == 1


async def test_changed_ones_reach_live_streams_and_later_ones_in_band() -> None:
    async with level_server(takes_keyterms=True) as server:
        stt = auricle.STT(url=server.url, keyterms=["one"])
        async with stt.stream() as stream:
            assert await say(stream, "hello") == ["hello"]
            stt.update_options(keyterms=["two"], latency_ms=160)
            assert await say(stream, "there") == ["there"]
        # By themselves: a server refuses or follows an update as a whole.
        assert updates(server) == [Update(latency_ms=160), Update(keyterms=("two",))]
        await transcribe(stt, audio("hello"))
    # Key terms that were not in the start must not end a stream.
    assert updates(server)[2:] == [Update(keyterms=("two",))]
    assert [start.keyterms for start in server.starts] == [("one",), ("one",)]


async def test_the_sessions_are_added_to_the_users_in_band_and_never_open_a_stream() -> None:
    async with level_server(takes_keyterms=True) as server:
        stt = auricle.STT(url=server.url, keyterms=["mine", "both"])
        async with stt.stream() as stream:
            assert await say(stream, "hello") == ["hello"]
            stt._update_session_keyterms(["both", "theirs"])
            assert await say(stream, "there") == ["there"]
        await stt.recognize(frames(audio("hello")))
    assert [start.keyterms for start in server.starts] == [("mine", "both")] * 2
    assert updates(server) == [Update(keyterms=("mine", "both", "theirs"))] * 2


async def test_a_refusal_ends_nothing_is_logged_once_and_is_remembered(caplog: pytest.LogCaptureFixture) -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        assert stt.capabilities.keyterms
        async with stt.stream() as stream:
            assert await say(stream, "how") == ["how"]
            stt._update_session_keyterms(["one"])
            stt._update_session_keyterms(["one", "two"])
            with caplog.at_level(logging.WARNING, "livekit.plugins.auricle"):
                assert await say(stream, "hello") == ["hello"]
            stt._update_session_keyterms(["three"])
            assert await say(stream, "there") == ["there"]
        assert texts(await transcribe(stt, audio("bye"))) == ["bye"]
    assert [record.message for record in caplog.records] == [
        "key terms are no longer sent: scripted takes no key terms"
    ]
    assert not stt.capabilities.keyterms
    assert [update.keyterms for update in updates(server)] == [("one",), ("one", "two")]
    with pytest.raises(ValueError, match="keyterms: the server's model takes none"):
        stt.update_options(keyterms=["four"])
    stt.update_options(keyterms=[])


async def test_a_refusal_of_changed_ones_does_not_end_the_streams_to_come() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        async with stt.stream() as stream:
            stt.update_options(keyterms=["one"])  # it has not connected yet
            assert await say(stream, "hello") == ["hello"]
        assert texts(await transcribe(stt, audio("there"))) == ["there"]
    assert [start.keyterms for start in server.starts] == [(), ()]


async def test_a_refusal_while_recognising_is_remembered() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        stt._update_session_keyterms(["one"])
        assert (await stt.recognize(frames(audio("hello")))).alternatives[0].text == "hello"
    assert not stt.capabilities.keyterms


async def test_a_session_with_key_terms_talks_to_either_kind_of_server() -> None:
    for takes in (True, False):
        async with (
            level_server(takes_keyterms=takes) as server,
            listening(
                audio("hello there", 0.1),
                stt=auricle.STT(url=server.url),
                vad=EnergyVAD(),
                turn_handling={"turn_detection": "vad", "endpointing": {"min_delay": 0.25}},
                stt_context_options={"keyterms": ["Auricle"]},
            ) as heard,
        ):
            await heard.until(lambda: bool(heard.turns))
        assert heard.turns == ["hello there"]
        assert not heard.errors
        assert [update.keyterms for update in updates(server)] == [("Auricle",)]


async def test_what_cannot_be_sent_is_refused_of_the_user_and_left_out_of_the_sessions() -> None:
    """A language model makes the session's key terms; none of them may end recognition."""
    async with level_server(takes_keyterms=True) as server:
        stt = auricle.STT(url=server.url)
        for wrong in ("Auricle", ["\ud83d"]):
            with pytest.raises(ValueError, match="keyterms: "):
                stt.update_options(keyterms=wrong)
        async with stt.stream() as stream:
            assert await say(stream, "hello") == ["hello"]
            stt._update_session_keyterms(["theirs", "\ud83d"])
            assert await say(stream, "there") == ["there"]
    assert updates(server) == [Update(keyterms=("theirs",))]
    with pytest.raises(ValueError, match="keyterms: "):
        auricle.STT(keyterms="Auricle")


async def test_more_than_the_server_takes_are_refused_where_they_are_set() -> None:
    limits = replace(LIMITS, keyterms=2, keyterm_characters=10)
    async with level_server(takes_keyterms=True, limits=limits) as server:
        stt = auricle.STT(url=server.url, keyterms=["one"])
        async with stt.stream() as stream:
            assert await say(stream, "hello") == ["hello"]
            for wrong in (["a", "b", "c"], ["much too long"]):
                with pytest.raises(ValueError, match="keyterms: the server takes 2 of at most 10 characters"):
                    stt.update_options(keyterms=wrong)
            assert await say(stream, "there") == ["there"]
    assert updates(server) == []
    assert stt.options.keyterms == ("one",)


async def test_the_sessions_give_way_where_the_server_takes_no_more() -> None:
    """Otherwise it would refuse the user's with them, from then on."""
    limits = replace(LIMITS, keyterms=2, keyterm_characters=10)
    async with level_server(takes_keyterms=True, limits=limits) as server:
        stt = auricle.STT(url=server.url, keyterms=["one"])
        async with stt.stream() as stream:
            assert await say(stream, "hello") == ["hello"]
            stt._update_session_keyterms(["much too long", "two", "three"])
            assert await say(stream, "there") == ["there"]
    assert updates(server) == [Update(keyterms=("one", "two"))]


async def test_clearing_them_is_told_too() -> None:
    async with level_server(takes_keyterms=True) as server:
        stt = auricle.STT(url=server.url, keyterms=["one"])
        async with stt.stream() as stream:
            assert await say(stream, "hello") == ["hello"]
            stt.update_options(keyterms=())
            assert await say(stream, "there") == ["there"]
    assert updates(server) == [Update(keyterms=())]


async def test_a_real_model_hears_what_it_is_told_to_favour() -> None:
    """The demo model recognises "received a side" without the key term."""
    said, terms = "receive the side", ["receive", "side"]
    speech = Audio(recording("receive_the_side"), 16_000, ())
    async with serve_locally(ServerConfig(max_load=0)) as url:
        stt = auricle.STT(url=url, latency_ms=160, keyterms=terms)
        assert said in " ".join(texts(await transcribe(stt, speech)))
        assert stt.capabilities.keyterms
        changing = auricle.STT(url=url, latency_ms=160)
        assert said not in " ".join(texts(await transcribe(changing, speech)))
        async with changing.stream() as stream:
            changing.update_options(keyterms=terms)
            push(stream, speech)
            stream.end_input()
            assert said in " ".join(texts(await collect(stream)))
