"""NVIDIA's client of the realtime WebSocket, as it is published. It blocks at its start, so it runs in a thread."""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import riva.client
import soundfile
from riva.client.argparse_utils import add_asr_config_argparse_parameters, add_realtime_config_argparse_parameters
from riva.client.realtime import RealtimeClientASR
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.raw_client import connected_client, until
from tests.dialects.conftest import SCALE
from tests.support import tones
from tests.support.native_answer import native_answer
from tests.support.servers.cutting_proxy import CuttingProxy

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
SHORT, SAID = tones.utterance(11, 3, trailing=0.1)
TURN = {"mode": "silence", "silence_ms": 500}


class Heard:
    """What the client logs of its results."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "riva.client.realtime")
        self._caplog = caplog

    def _of(self, *beginnings: str) -> list[str]:
        texts = [each.getMessage() for each in self._caplog.records if each.name == "riva.client.realtime"]
        return [text.partition(": ")[2] for text in texts if text.startswith(beginnings)]

    @property
    def completed(self) -> list[str]:
        return self._of("Interim Transcript: ", "Final Transcript: ")

    @property
    def deltas(self) -> list[str]:
        return self._of("Transcript: ")

    @property
    def errors(self) -> list[str]:
        return self._of("Error: ")

    @property
    def text(self) -> str:
        return " ".join(filter(None, self.completed))


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Heard:
    return Heard(caplog)


def arguments(url: str, *given: str) -> argparse.Namespace:
    """As those of NVIDIA's program ``realtime_asr_client.py``, with its defaults."""
    parser = argparse.ArgumentParser()
    for name in ("--server", "--ssl-root-cert", "--ssl-client-cert", "--ssl-client-key"):
        parser.add_argument(name)
    for name in ("--use-ssl", "--mic"):
        parser.add_argument(name, action="store_true")
    for name, default in (("--sample-rate-hz", 16_000), ("--num-channels", 1)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--prompt", default="")
    add_asr_config_argparse_parameters(parser, max_alternatives=True, profanity_filter=True, word_time_offsets=True)
    add_realtime_config_argparse_parameters(parser)
    return parser.parse_args(["--server", url.removeprefix("ws://"), *given])


def pieces(audio: bytes) -> list[bytes]:
    return [audio[at : at + 3_201] for at in range(0, len(audio), 3_201)]


async def _transcribe(args: argparse.Namespace, chunks: Any, forced: Iterable[bool] | None) -> RealtimeClientASR:
    client = RealtimeClientASR(args)
    try:
        await client.connect()
        sending = asyncio.create_task(client.send_audio_chunks(chunks, forced))
        await asyncio.wait_for(client.receive_responses(), 60)
        await sending
    finally:
        await client.disconnect()
    return client


async def transcribe(url: str, chunks: Any, *given: str, forced: Iterable[bool] | None = None) -> RealtimeClientASR:
    """The client, after it has sent all this audio and had its last result."""
    return await asyncio.to_thread(asyncio.run, _transcribe(arguments(url, *given), chunks, forced))


@pytest.mark.dialect("NVIDIA realtime client", "words")
@pytest.mark.dialect("NVIDIA realtime client", "turn ends")
async def test_words_and_turns_are_those_of_the_native_protocol(
    url: str, heard: Heard, capsys: pytest.CaptureFixture[str]
) -> None:
    native = await native_answer(url, PCM, turn=TURN)
    client = await transcribe(url, pieces(PCM.tobytes()), "--word-time-offsets", "--stop-history", "500")
    assert heard.text == TEXT
    assert list(filter(None, heard.completed)) == [final["text"] for final in native.finals if final["text"]]
    assert client.final_transcript == heard.completed[-1]
    shown = [line.split() for line in capsys.readouterr().out.splitlines() if line.endswith(" 0" + " " * 15)]
    assert [(word, float(start), float(end)) for word, start, end, *_ in shown] == [
        (word, round(start * 1000), round(end * 1000)) for word, start, end in native.words
    ]


async def test_a_file_is_streamed_with_its_header(url: str, heard: Heard, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    soundfile.write(path, PCM, 16_000)
    with riva.client.AudioChunkFileIterator(path, 1_600) as audio:
        await transcribe(url, audio)
    assert heard.text == TEXT


async def test_boosting_endpointing_and_custom_settings(url: str, heard: Heard) -> None:
    boosting = ("--boosted-lm-words", "was on", "--boosted-lm-score", "20")
    custom = ("--custom-configuration", "latency_ms:80,anything:else")
    endpointing = ("--stop-history", "800", "--stop-history-eou", "320")
    await transcribe(url, pieces(PCM.tobytes()), *boosting, *custom, *endpointing, "--automatic-punctuation")
    assert len(heard.text.split()) == 12


@pytest.mark.dialect("NVIDIA realtime client", "finalize")
async def test_a_forced_end_is_answered(url: str, heard: Heard) -> None:
    line, audio = Line(), SHORT.tobytes()
    forced = [*([False] * (len(pieces(audio)) - 1)), True, True]
    running = asyncio.create_task(transcribe(url, line, forced=forced))
    await line.send(audio)
    await until(lambda: heard.completed == [SAID])
    await line.send(bytes(320))
    await until(lambda: heard.completed == [SAID, ""])
    await line.send(None)
    await asyncio.wait_for(running, 30)
    assert heard.completed == [SAID, "", ""]


@pytest.mark.dialect("NVIDIA realtime client", "wrong key")
async def test_a_wrong_key_is_refused(serve: Serve, heard: Heard) -> None:
    async with serve(api_keys=("right",)) as url:
        with pytest.raises(Exception, match=r"Session authentication failed \(HTTP 401: .* API key"):
            await transcribe(url, pieces(PCM.tobytes()), "--mint-api-key", "wrong")
        await transcribe(url, pieces(PCM.tobytes()), "--mint-api-key", "right")
    assert heard.text == TEXT


@pytest.mark.dialect("NVIDIA realtime client", "full server")
async def test_a_full_server_refuses_before_the_upgrade_and_takes_streams_again(serve: Serve, heard: Heard) -> None:
    async with serve() as url:
        async with AsyncExitStack() as held:
            for _ in range(6):
                await (await held.enter_async_context(connected_client(url))).start()
            with pytest.raises(InvalidStatus) as refused:
                await transcribe(url, pieces(PCM.tobytes()))
            assert refused.value.response.status_code == 503
            assert int(refused.value.response.headers["Retry-After"]) >= 1
        await transcribe(url, pieces(PCM.tobytes()))
    assert heard.text == TEXT


class Line:
    """Audio that goes on until it is ended, for the client's thread."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._loop = asyncio.get_running_loop()
        while (piece := await self._queue.get()) is not None:
            yield piece

    async def send(self, audio: bytes | None) -> None:
        await until(lambda: self._loop is not None)
        assert self._loop is not None
        for piece in [None] if audio is None else pieces(audio):
            self._loop.call_soon_threadsafe(self._queue.put_nowait, piece)


@pytest.mark.dialect("NVIDIA realtime client", "cut connection")
async def test_a_cut_connection_ends_the_client_and_frees_its_slot(serve: Serve, heard: Heard) -> None:
    async with serve() as url:
        proxy = CuttingProxy(url, seed=1, cuts=0)
        async with proxy.running() as cut:
            line = Line()
            running = asyncio.create_task(transcribe(cut, line))
            await line.send(PCM.tobytes())
            await until(lambda: TEXT in heard.text)
            proxy._cut()
            await line.send(None)
            with suppress(ConnectionClosed):  # only where the client sends its end after it has noticed
                await asyncio.wait_for(running, 30)
        assert heard.errors
        await transcribe(url, pieces(PCM.tobytes()))
        assert heard.text == f"{TEXT} {TEXT}"


@pytest.mark.dialect("NVIDIA realtime client", "bad message")
@pytest.mark.parametrize(
    "given",
    [("--sample-rate-hz", "1"), ("--language-code", "xx-XX"), ("--custom-configuration", "latency_ms:81")],
    ids=["rate", "language", "latency"],
)
async def test_a_bad_session_is_refused(url: str, given: tuple[str, ...]) -> None:
    with pytest.raises(Exception, match="Failed to update session"):
        await transcribe(url, pieces(PCM.tobytes()), *given)


@pytest.mark.dialect("NVIDIA realtime client", "silence")
async def test_silence_has_no_words(url: str, heard: Heard) -> None:
    await transcribe(url, pieces(bytes(10 * 32_000)))
    assert (heard.completed, heard.deltas) == ([""], [])


@pytest.mark.dialect("NVIDIA realtime client", "hour of silence")
async def test_an_hour_of_silence_keeps_a_stream(
    serve: Serve, heard: Heard, fast_server_clock: Callable[[], float]
) -> None:
    async with serve(idle_seconds=3_000.0, start_seconds=3_000.0) as url:
        line = Line()
        running = asyncio.create_task(transcribe(url, line))
        hour = fast_server_clock() + 3_600
        while fast_server_clock() < hour:
            await line.send(bytes(640))
            await asyncio.sleep(20 / SCALE)
        await line.send(PCM.tobytes())
        await line.send(None)
        await asyncio.wait_for(running, 60)
    assert heard.text == TEXT
