"""A server of Deepgram's API under evaluation: live streams and recordings at ``/v1/listen``."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from auricle.protocol.server_messages import Word
from auricle_server.audio_files import SAMPLE_RATE
from auricle_server.bench.quality.recognisers.http_answers import answer_of, http_session
from auricle_server.bench.quality.recognisers.interface import (
    Offer,
    Recognised,
    RecognisedSegment,
    RecogniserFailed,
    RecognitionSetting,
    RecordingFailed,
)
from auricle_server.bench.quality.recognisers.pacing import paced
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.gateway.session.file_endpoint import RawAudio

_MODEL = "nova-3"
_PERMANENT = frozenset({400, 401, 403, 404})


class DeepgramRecogniser:
    """A server at an address.

    Args:
        session: Sends the key.
        url: ``wss://host`` or ``https://host``; its query is part of every request, such as ``?model=NAME``.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        base = URL(url)
        self._query = {"model": _MODEL, "punctuate": "true", **base.query}
        self._secure = base.scheme in {"wss", "https"}
        self._base = base.with_query(None).with_path("/v1/listen")

    async def offer(self) -> Offer:
        """See `Recogniser`. The API has no question that only asks for it."""
        return Offer(self._query["model"], (), (), (StreamMode.LIVE, StreamMode.OFFLINE))

    def _url(self, scheme: str, setting: RecognitionSetting, **parameters: str) -> str:
        language = {} if setting.language is None else {"language": setting.language.replace("auto", "multi")}
        return str(self._base.with_scheme(scheme + "s" * self._secure).with_query(self._query | language | parameters))

    async def recognise(self, pcm: bytes, setting: RecognitionSetting) -> Recognised:
        """See `Recogniser`."""
        if setting.mode is StreamMode.OFFLINE:
            return await self._recording(pcm, setting)
        url = self._url("ws", setting, encoding="linear16", sample_rate=str(SAMPLE_RATE), endpointing="300")
        try:
            async with self._session.ws_connect(url) as socket:
                return await _Conversation(socket, pcm, setting).recognised()
        except aiohttp.WSServerHandshakeError as error:
            kind = RecogniserFailed if error.status in _PERMANENT else RecordingFailed
            raise kind(f"{url} refused: {error.status} {error.message}") from error
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise RecogniserFailed(f"cannot reach {url}: {error}") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise RecordingFailed(f"{url}: {error!r}") from error

    async def _recording(self, pcm: bytes, setting: RecognitionSetting) -> Recognised:
        recording, began = RawAudio("pcm_s16le", SAMPLE_RATE).wave_header + pcm, time.monotonic()
        headers = {"Content-Type": "audio/wav"}
        url = self._url("http", setting)
        answer = await answer_of(self._session, "POST", url, data=recording, headers=headers)
        seconds = time.monotonic() - began
        channel = answer["results"]["channels"][0]
        found = _segment(channel["alternatives"][0], channel.get("detected_language"), seconds)
        return Recognised(() if found is None else (found,), (), seconds)


class _Conversation:
    """One recording through one stream."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, pcm: bytes, setting: RecognitionSetting) -> None:
        self._socket, self._pcm, self._setting = socket, pcm, setting
        self._began = time.monotonic()
        self._asked = self._began
        self._segments: list[RecognisedSegment] = []
        self._turn_ends: list[float] = []
        self._finalize_seconds = 0.0

    async def recognised(self) -> Recognised:
        sending = asyncio.create_task(self._send())
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._receive(json.loads(message.data))
            await sending
        finally:
            sending.cancel()
        return Recognised(tuple(self._segments), tuple(self._turn_ends), self._finalize_seconds)

    async def _send(self) -> None:
        async for packet in paced(self._pcm, self._began, realtime=self._setting.realtime):
            await self._socket.send_bytes(packet)
        self._asked = time.monotonic()
        await self._socket.send_json({"type": "Finalize"})
        await self._socket.send_json({"type": "CloseStream"})

    def _receive(self, message: dict[str, Any]) -> None:
        if message["type"] == "Error":
            raise RecordingFailed(f"the server said: {message.get('description')}")
        if message["type"] != "Results" or not message["is_final"]:
            return
        now = time.monotonic()
        found = _segment(message["channel"]["alternatives"][0], None, now - self._began)
        self._segments += [] if found is None else [found]
        if message["speech_final"]:
            self._turn_ends.append(message["start"] + message["duration"])
        if message.get("from_finalize"):
            self._finalize_seconds = now - self._asked


def _segment(alternative: dict[str, Any], language: str | None, arrived: float) -> RecognisedSegment | None:
    text = alternative["transcript"].strip()
    if not text:
        return None
    languages = alternative.get("languages") or [language]
    return RecognisedSegment(text, tuple(_words(alternative["words"])), languages[0], arrived)


def _words(words: Iterable[dict[str, Any]]) -> Iterable[Word]:
    for word in words:
        yield Word(word.get("punctuated_word", word["word"]), word["start"], word["end"], word["confidence"])


@asynccontextmanager
async def connect_deepgram(url: str, api_key: str | None) -> AsyncIterator[DeepgramRecogniser]:
    """The server at `url`, see `ConnectRecogniser`."""
    async with http_session({} if api_key is None else {"Authorization": f"Token {api_key}"}) as session:
        yield DeepgramRecogniser(session, url)
