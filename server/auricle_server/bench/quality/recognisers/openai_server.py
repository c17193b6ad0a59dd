"""A server of OpenAI's API for recordings under evaluation: ``POST {url}/audio/transcriptions``."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
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
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.gateway.session.file_endpoint import RawAudio

_MODEL = "whisper-1"
"""Asked for where the URL names none: of OpenAI's own models the one that tells the times of words."""


class OpenAiRecogniser:
    """A server at an address.

    Args:
        session: Sends the key.
        url: As OpenAI's clients take it, ``http://host:8000/v1``; ``?model=NAME`` names the model.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        base = URL(url)
        self._model = base.query.get("model", _MODEL)
        self._url = str(base.with_query(None)).rstrip("/")

    async def offer(self) -> Offer:
        """See `Recogniser`. The server names its model only where it has a single one."""
        try:
            listed = (await answer_of(self._session, "GET", f"{self._url}/models")).get("data")
        except RecordingFailed as error:
            raise RecogniserFailed(str(error)) from error
        names = [each.get("id") for each in listed] if isinstance(listed, list) else []
        model = names[0] if len(names) == 1 else self._model
        return Offer(str(model), (), (), (StreamMode.OFFLINE,))

    async def recognise(self, pcm: bytes, setting: RecognitionSetting) -> Recognised:
        """See `Recogniser`."""
        form = aiohttp.FormData()
        recording = RawAudio("pcm_s16le", SAMPLE_RATE).wave_header + pcm
        form.add_field("file", recording, filename="recording.wav", content_type="audio/wav")
        form.add_field("model", self._model)
        form.add_field("response_format", "verbose_json")
        form.add_field("timestamp_granularities[]", "word")
        form.add_field("timestamp_granularities[]", "segment")
        if setting.language not in {None, "auto"}:
            form.add_field("language", str(setting.language).partition("-")[0])
        began = time.monotonic()
        answer = await answer_of(self._session, "POST", f"{self._url}/audio/transcriptions", data=form)
        seconds = time.monotonic() - began
        return Recognised(_segments(answer, seconds), (), seconds)


def _segments(answer: dict[str, Any], arrived: float) -> tuple[RecognisedSegment, ...]:
    text = str(answer.get("text") or "").strip()
    if not text:
        return ()
    words = tuple(
        Word(str(each["word"]).strip(), float(each["start"]), float(each["end"]), 1.0)
        for each in answer.get("words") or ()
        if str(each["word"]).strip()
    )
    language = answer.get("language")
    return (RecognisedSegment(text, words, None if language is None else str(language), arrived),)


@asynccontextmanager
async def connect_openai(url: str, api_key: str | None) -> AsyncIterator[OpenAiRecogniser]:
    """The server at `url`, see `ConnectRecogniser`."""
    async with http_session({} if api_key is None else {"Authorization": f"Bearer {api_key}"}) as session:
        yield OpenAiRecogniser(session, url)
