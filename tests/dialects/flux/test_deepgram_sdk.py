"""Deepgram's SDK on Flux, as it is published."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from deepgram.core.api_error import ApiError

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import quiet, until
from tests.dialects.conftest import SCALE
from tests.support import tones
from tests.support.adapters.deepgram_sdk import OpenStream, sdk
from tests.support.formats.containers import file_of, opus_in
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
BY_TIMEOUT: dict[str, Any] = {"eot_threshold": 1.0, "eot_timeout_ms": 500}
BY_MODEL: dict[str, Any] = {"eot_threshold": 0.6, "eager_eot_threshold": 0.5, "eot_timeout_ms": 3000}
SETTINGS = [
    (BY_TIMEOUT, {"mode": "silence", "silence_ms": 500}, "timeout"),
    (
        BY_MODEL,
        {"mode": "semantic", "end_threshold": 0.6, "eager_threshold": 0.5, "max_silence_ms": 3000},
        "model",
    ),
]


class Flux(OpenStream):
    """An open stream, and its words."""

    @property
    def text(self) -> str:
        return " ".join(turn.transcript for turn in self.of("EndOfTurn"))


@asynccontextmanager
async def flux(url: str, key: str = "key", **options: Any) -> AsyncIterator[Flux]:
    given = {"model": "flux-general-en", "encoding": "linear16", "sample_rate": 16_000, **BY_TIMEOUT, **options}
    async with sdk(url, key).listen.v2.connect(**given) as socket:
        stream = Flux(socket)
        try:
            yield stream
        finally:
            stream.listening.cancel()


@pytest.mark.dialect("Deepgram SDK, Flux", "words")
@pytest.mark.dialect("Deepgram SDK, Flux", "turn ends")
@pytest.mark.parametrize(("options", "turn", "trigger"), SETTINGS)
async def test_words_and_turn_ends_are_those_of_the_native_protocol(
    url: str, options: dict[str, Any], turn: dict[str, Any], trigger: str
) -> None:
    native = await native_answer(url, PCM, turn=turn)
    async with flux(url, **options) as stream:
        await stream.send(PCM.tobytes())
        await stream.close()
    ends = stream.of("EndOfTurn")
    assert (stream.text, stream.errors) == (TEXT, [])
    assert [end.transcript for end in ends] == [end["text"] for end in native.turn_ends]
    assert [end.audio_window_end for end in ends] == [end["audio_time"] for end in native.turn_ends]
    words = [word for end in ends for word in end.words]
    assert [(word.word, word.start, word.end) for word in words] == native.words
    assert all(0 < word.confidence <= 1 for word in words)
    assert {end.trigger for end in ends} == {trigger}


@pytest.mark.parametrize(
    ("recording", "encoding"),
    [
        (lambda: opus_in("webm", PCM), None),
        (lambda: opus_in("ogg", PCM), "ogg-opus"),
        (lambda: opus_in("ogg", PCM), None),
        (lambda: file_of("WAV", PCM), None),
    ],
    ids=["webm", "ogg", "ogg that is not named", "wav"],
)
async def test_audio_in_containers(url: str, recording: Callable[[], bytes], encoding: str | None) -> None:
    async with flux(url, encoding=encoding, sample_rate=None) as stream:
        await stream.send(recording(), piece=1_000)
        await until(lambda: stream.text == TEXT)
        await stream.close()
    assert stream.errors == []


async def test_turns_are_told_in_flux_order(url: str) -> None:
    async with flux(url, **BY_MODEL) as stream:
        await stream.send(PCM.tobytes())
        await stream.close()
    infos = stream.of("TurnInfo")
    assert [message.sequence_id for message in stream.messages] == list(range(len(stream.messages)))
    assert stream.messages[0].type == "Connected"
    assert len({message.request_id for message in stream.messages}) == 1
    assert [info.turn_index for info in stream.of("EndOfTurn")] == list(range(len(stream.of("StartOfTurn"))))
    told = [info for info in infos if info.event != "Update"]
    for before, after in pairwise(told):
        allowed = {
            "StartOfTurn": {"EagerEndOfTurn", "EndOfTurn"},
            "EagerEndOfTurn": {"TurnResumed", "EndOfTurn"},
            "TurnResumed": {"EagerEndOfTurn", "EndOfTurn"},
            "EndOfTurn": {"StartOfTurn"},
        }
        assert after.event in allowed[before.event], (before, after)
        if (before.event, after.event) == ("EagerEndOfTurn", "EndOfTurn"):
            assert before.transcript == after.transcript
    assert stream.of("EagerEndOfTurn")
    assert all(info.transcript and info.words for info in told)
    assert [info.audio_window_end for info in infos] == sorted(info.audio_window_end for info in infos)


@pytest.mark.dialect("Deepgram SDK, Flux", "finalize")
async def test_a_forced_end_of_turn_has_every_word_before_it(url: str) -> None:
    audio, text = tones.utterance(11, 3, trailing=0.1)
    async with flux(url, eot_timeout_ms=9000) as stream:
        await stream.socket.send_force_end_turn()
        await stream.send(audio.tobytes())
        await stream.socket.send_force_end_turn()
        await until(lambda: bool(stream.of("EndOfTurn")))
        await stream.socket.send_force_end_turn()
        await stream.send(audio.tobytes())
        await stream.close()
    [end] = stream.of("EndOfTurn")
    assert (end.transcript, end.trigger, end.turn_index) == (text, "manual", 0)
    assert stream.messages[-1].event == "Update", "the end of the stream is no end of the turn"
    assert (stream.messages[-1].transcript, stream.messages[-1].turn_index) == (text, 1)


@pytest.mark.dialect("Deepgram SDK, Flux", "wrong key")
async def test_a_wrong_key_is_refused(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url:
        with pytest.raises(ApiError) as refused:
            async with flux(url, "wrong"):
                pass
        assert refused.value.status_code == 401
        async with flux(url, "right") as stream:
            await stream.close()


@pytest.mark.dialect("Deepgram SDK, Flux", "full server")
async def test_a_full_server_is_busy_and_takes_streams_again(serve: Serve) -> None:
    # On a busy machine the streams that fill the server wait for long without audio.
    async with serve(idle_seconds=3_600.0) as url:
        async with AsyncExitStack() as held:
            for _ in range(6):
                await held.enter_async_context(flux(url))
            with pytest.raises(ApiError) as refused:
                async with flux(url):
                    pass
        assert refused.value.status_code == 503
        async with flux(url) as stream:
            await stream.send(PCM.tobytes())
            await stream.close()
        assert stream.text == TEXT


@pytest.mark.dialect("Deepgram SDK, Flux", "cut connection")
async def test_a_cut_connection_is_an_error_and_frees_its_slot(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=0)
    async with proxy.running() as cut:
        async with flux(cut) as stream:
            await stream.send(PCM.tobytes())
            await until(lambda: bool(stream.of("StartOfTurn")))
            proxy._cut()
            await asyncio.wait_for(stream.listening, 30)
        assert len(stream.errors) == 1
        async with flux(cut) as stream:
            await stream.send(PCM.tobytes())
            await stream.close()
    assert (stream.text, stream.errors) == (TEXT, [])


@pytest.mark.dialect("Deepgram SDK, Flux", "bad message")
@pytest.mark.parametrize("text", ["{", "[]", '{"type":"Nonsense"}', "[" * 100_000])
async def test_a_bad_message_is_a_fatal_error_in_words(url: str, text: str) -> None:
    async with flux(url) as stream:
        await stream.socket._send(text)
        await asyncio.wait_for(stream.listening, 30)
    error = stream.messages[-1]
    assert (error.type, error.code) == ("Error", "UNPARSABLE_CLIENT_MESSAGE")
    assert error.description


async def test_settings_change_within_a_stream(url: str) -> None:
    native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
    async with flux(url, eot_threshold=0.9, eot_timeout_ms=5000) as stream:
        await stream.socket.send_configure({"type": "Configure", "thresholds": BY_TIMEOUT, "keyterms": ["was on"]})
        await until(lambda: bool(stream.of("ConfigureSuccess")))
        await stream.socket.send_configure({"type": "Configure", "thresholds": {"eot_threshold": 7}})
        await stream.socket.send_configure({"type": "Configure", "keyterms": ["x" * 1_000]})
        await until(lambda: len(stream.of("ConfigureFailure")) == 2)
        await stream.socket.send_configure({"type": "Configure", "keyterms": []})
        await until(lambda: len(stream.of("ConfigureSuccess")) == 2)
        await stream.send(PCM.tobytes())
        await stream.close()
    first, second = stream.of("ConfigureSuccess")
    assert (first.thresholds.eot_timeout_ms, first.keyterms) == (500, ["was on"])
    assert (second.thresholds.eot_threshold, second.keyterms) == (1.0, [])
    assert [end.audio_window_end for end in stream.of("EndOfTurn")] == [end["audio_time"] for end in native.turn_ends]


@pytest.mark.dialect("Deepgram SDK, Flux", "silence")
async def test_silence_is_no_turn(url: str) -> None:
    async with flux(url) as stream:
        await stream.send(quiet(6.0).tobytes())
        await stream.close()
    events = {message.event for message in stream.of("TurnInfo")}
    assert events <= {"Update"}
    assert {info.transcript for info in stream.of("Update")} <= {""}


@pytest.mark.dialect("Deepgram SDK, Flux", "hour of silence")
async def test_an_hour_of_silence_keeps_a_stream(serve: Serve, fast_server_clock: Callable[[], float]) -> None:
    async with serve(idle_seconds=3_000.0) as url, flux(url) as stream:
        until_then = fast_server_clock() + 3_600
        while fast_server_clock() < until_then:
            await stream.send(quiet(0.08).tobytes())
            await asyncio.sleep(5 / SCALE)
        assert stream.of("StartOfTurn") == []
        await stream.send(PCM.tobytes())
        await stream.close()
    assert stream.text == TEXT


async def test_what_is_not_served_is_named_once(url: str) -> None:
    async with flux(url, redact="numbers", tag=["a"], mip_opt_out=True) as stream:
        await stream.close()
    [warning] = stream.of("Warning")
    assert "redact" in warning.description
    assert "tag" not in warning.description
