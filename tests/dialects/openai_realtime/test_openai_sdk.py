"""OpenAI's SDK on realtime transcription, as it is published."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosed, InvalidStatus

from auricle.resample import Resampler
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import quiet, until
from tests.dialects.conftest import SCALE
from tests.support import tones
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

DELTA, DONE = (f"conversation.item.input_audio_transcription.{kind}" for kind in ("delta", "completed"))
STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
VAD: dict[str, Any] = {"type": "server_vad", "silence_duration_ms": 500}


def at_24_khz(audio: tones.Pcm) -> bytes:
    """The audio as OpenAI's clients send it."""
    resampler = Resampler(16_000, 24_000)
    samples = np.concatenate([resampler.push(audio.astype(np.float32)), resampler.flush()])
    return bytes(np.clip(np.rint(samples), -32768, 32767).astype("<i2"))


_AUDIO, TEXT = tones.utterance(5, 12, trailing=2.0)
PCM = at_24_khz(_AUDIO)


class Realtime:
    """An open connection, and what has come from it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[Any] = []
        self.closed: ConnectionClosed | None = None
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                self.events.append(await self.connection.recv())
        except ConnectionClosed as closed:
            self.closed = closed

    async def update(self, detection: dict[str, Any] | None = VAD, **given: Any) -> None:
        transcription = {"model": "gpt-4o-transcribe", "language": "en", **given}
        audio = {"format": {"type": "audio/pcm", "rate": 24_000}, "transcription": transcription}
        session = {"type": "transcription", "audio": {"input": {**audio, "turn_detection": detection}}}
        count = len(self.of("session.updated"))
        await self.connection.session.update(session=session)
        await until(lambda: len(self.of("session.updated")) > count or bool(self.of("error")))

    async def send(self, audio: bytes, piece: int = 4_801) -> None:
        """In pieces of 100 ms that end within samples."""
        for at in range(0, len(audio), piece):
            encoded = base64.b64encode(audio[at : at + piece]).decode()
            await self.connection.input_audio_buffer.append(audio=encoded)

    async def commit(self) -> Any:
        """Commits, and returns what completes it."""
        count = len(self.of(DONE))
        await self.connection.input_audio_buffer.commit()
        await until(lambda: len(self.of(DONE)) > count)
        return self.of(DONE)[-1]

    def of(self, *kinds: str) -> list[Any]:
        return [event for event in self.events if event.type in kinds]

    @property
    def text(self) -> str:
        return " ".join(filter(None, (event.transcript for event in self.of(DONE))))


@asynccontextmanager
async def realtime(url: str, key: str = "key") -> AsyncIterator[Realtime]:
    client = AsyncOpenAI(api_key=key, base_url=url.replace("ws", "http", 1) + "/v1", max_retries=0)
    async with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        stream = Realtime(connection)
        try:
            yield stream
        finally:
            stream.reading.cancel()
            with suppress(asyncio.CancelledError):
                await stream.reading


@pytest.mark.dialect("openai SDK, realtime", "words")
@pytest.mark.dialect("openai SDK, realtime", "turn ends")
@pytest.mark.parametrize(
    ("detection", "turn"),
    [
        (VAD, {"mode": "silence", "silence_ms": 500}),
        (
            {"type": "semantic_vad", "eagerness": "high"},
            {"mode": "semantic", "end_threshold": 0.6, "max_silence_ms": 2000},
        ),
    ],
)
async def test_words_and_turn_ends_are_those_of_the_native_protocol(
    url: str, detection: dict[str, Any], turn: dict[str, Any]
) -> None:
    native = await native_answer(url, PCM, turn=turn, sample_rate=24_000)
    async with realtime(url) as stream:
        await stream.update(detection)
        await stream.send(PCM)
        await stream.connection.input_audio_buffer.commit()
        await until(lambda: stream.text == TEXT)
        ends = [event for event in stream.of(DONE) if event.transcript]
        assert [end.transcript for end in ends] == [end["text"] for end in native.turn_ends]
        stops = [stop.audio_end_ms for stop in stream.of(STOPPED)]
        # Where the audio ends before the last turn does, the native `end` ends it, and the commit here.
        assert stops == [round(end["audio_time"] * 1000) for end in native.turn_ends]
        starts = [start.audio_start_ms for start in stream.of(STARTED)]
        assert starts == [round(final["start"] * 1000) for final in native.finals]
        for start, stop, end in zip(stream.of(STARTED), stream.of(STOPPED), ends, strict=True):
            assert start.item_id == stop.item_id == end.item_id
            told = [event.delta for event in stream.of(DELTA) if event.item_id == end.item_id]
            assert "".join(told) == end.transcript
            assert len(told) > 1
        assert len({event.event_id for event in stream.events}) == len(stream.events)


@pytest.mark.dialect("openai SDK, realtime", "finalize")
async def test_every_commit_is_completed(url: str) -> None:
    audio, text = tones.utterance(11, 3, trailing=0.1)
    async with realtime(url) as stream:
        await stream.update(None)
        assert (await stream.commit()).transcript == ""
        await stream.send(at_24_khz(audio))
        done = await stream.commit()
        assert done.transcript == text
        assert done.usage.type == "duration"
        assert done.usage.seconds == pytest.approx(len(audio) / 16_000, abs=0.3)
        assert (await stream.commit()).transcript == ""
        await stream.send(PCM)
        await stream.commit()
        assert stream.text == f"{text} {TEXT}"
        items = [event.item_id for event in stream.of("input_audio_buffer.committed")]
        assert items == [event.item_id for event in stream.of(DONE)]
        before = [event.previous_item_id for event in stream.of("input_audio_buffer.committed")]
        assert before == [None, *items[:-1]]


async def test_a_socket_serves_several_sessions(url: str) -> None:
    audio, text = tones.utterance(11, 3, trailing=0.1)
    async with realtime(url) as stream:
        await stream.update(VAD)
        await stream.send(PCM)
        await until(lambda: stream.text == TEXT)
        await stream.update(None, keywords=["was on"])
        await stream.send(at_24_khz(audio))
        assert (await stream.commit()).transcript == text
        await stream.update(VAD)
        await stream.send(PCM)
        await until(lambda: stream.text == f"{TEXT} {text} {TEXT}")
        assert stream.of("error") == []


async def test_what_is_cleared_is_not_transcribed(url: str) -> None:
    audio, text = tones.utterance(11, 3, trailing=0.1)
    async with realtime(url) as stream:
        await stream.update(None)
        await stream.send(at_24_khz(audio))
        await stream.connection.input_audio_buffer.clear()
        await until(lambda: bool(stream.of("input_audio_buffer.cleared")))
        await stream.send(at_24_khz(audio))
        assert (await stream.commit()).transcript == text


@pytest.mark.dialect("openai SDK, realtime", "wrong key")
async def test_a_wrong_key_is_refused(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url:
        with pytest.raises(InvalidStatus) as refused:
            async with realtime(url, "wrong"):
                pass
        assert refused.value.response.status_code == 401
        async with realtime(url, "right") as stream:
            await stream.update()


@pytest.mark.dialect("openai SDK, realtime", "full server")
async def test_a_full_server_is_busy_and_takes_streams_again(serve: Serve) -> None:
    # On a busy machine the streams that fill the server wait for long without audio.
    async with serve(idle_seconds=3_600.0) as url:
        async with AsyncExitStack() as held:
            for _ in range(6):
                await (await held.enter_async_context(realtime(url))).update()
            with pytest.raises(InvalidStatus) as refused:
                async with realtime(url):
                    pass
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["Retry-After"]) >= 1
        async with realtime(url) as stream:
            await stream.update()
            await stream.send(PCM)
            await until(lambda: stream.text == TEXT)


@pytest.mark.dialect("openai SDK, realtime", "cut connection")
async def test_a_cut_connection_frees_its_slot(url: str) -> None:
    proxy = CuttingProxy(url, seed=1, cuts=0)
    async with proxy.running() as cut:
        async with realtime(cut) as stream:
            await stream.update()
            await stream.send(PCM)
            await until(lambda: bool(stream.of(STARTED)))
            proxy._cut()
            await asyncio.wait_for(stream.reading, 30)
            assert stream.closed is not None
        async with realtime(cut) as stream:
            await stream.update()
            await stream.send(PCM)
            await until(lambda: stream.text == TEXT)


@pytest.mark.dialect("openai SDK, realtime", "bad message")
async def test_a_bad_message_is_answered_and_the_stream_goes_on(url: str) -> None:
    async with realtime(url) as stream:
        await stream.update()
        for text in ("{", "[]", '{"type":"response.create","event_id":"mine"}', "[" * 100_000):
            await stream.connection.send_raw(text)
        await stream.connection.send({"type": "input_audio_buffer.append", "audio": "no base64"})
        await stream.connection.session.update(session={"type": "transcription", "audio": {"input": {"format": 3}}})
        await until(lambda: len(stream.of("error")) == 6)
        assert all(event.error.message for event in stream.of("error"))
        assert stream.of("error")[2].error.event_id == "mine"
        await stream.send(PCM)
        await until(lambda: stream.text == TEXT)


async def test_a_language_that_the_model_does_not_know_is_refused_in_words(url: str) -> None:
    async with realtime(url) as stream:
        await stream.update()
        await stream.update(language="fr")
        [error] = stream.of("error")
        assert "fr" in error.error.message
        await stream.send(PCM)
        await until(lambda: stream.text == TEXT)


@pytest.mark.dialect("openai SDK, realtime", "silence")
async def test_silence_is_no_item(url: str) -> None:
    async with realtime(url) as stream:
        await stream.update()
        await stream.send(at_24_khz(quiet(6.0)))
        done = await stream.commit()
        assert done.transcript == ""
        assert stream.of(STARTED, STOPPED, DELTA, "error") == []


@pytest.mark.dialect("openai SDK, realtime", "hour of silence")
async def test_an_hour_of_silence_keeps_the_stream(serve: Serve, fast_server_clock: Callable[[], float]) -> None:
    async with serve(idle_seconds=3_000.0, start_seconds=3_000.0) as url, realtime(url) as stream:
        await stream.update()
        until_then = fast_server_clock() + 3_600
        while fast_server_clock() < until_then:
            await stream.send(at_24_khz(quiet(0.1)))
            await asyncio.sleep(5 / SCALE)
        assert stream.of(STARTED) == []
        await stream.send(PCM)
        await until(lambda: stream.text == TEXT)


async def test_an_idle_socket_is_closed_without_an_error(serve: Serve) -> None:
    async with serve(idle_seconds=1.0) as other, realtime(other) as stream:
        await stream.update()
        await asyncio.wait_for(stream.reading, 30)
        assert stream.closed is not None
        assert stream.of("error") == [], "LiveKit takes an error as final, and its idle sockets wait in a pool"
