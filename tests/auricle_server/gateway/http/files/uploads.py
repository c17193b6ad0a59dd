"""Sends recordings as programs without a client library do."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.auricle_server.audio_files.recordings import encoded
from tests.support import tones

PCM, TEXT = tones.utterance(5, 12)
WAVE = encoded("WAV", "PCM_16", PCM)
PATH = "/v1/audio/transcriptions"


def form(recording: bytes = WAVE, **fields: str) -> aiohttp.FormData:
    """A form with the fields before the recording."""
    data = aiohttp.FormData()
    for name, value in fields.items():
        data.add_field(name, value)
    # aiohttp warns of large bytes, which it sends in one piece.
    data.add_field("file", io.BytesIO(recording), filename="talk.wav", content_type="audio/wav")
    return data


@asynccontextmanager
async def posted(url: str, data: Any, path: str = PATH, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to a recording."""
    async with aiohttp.ClientSession() as http, http.post(http_url(url, path), data=data, **options) as answer:
        yield answer


def http_url(url: str, path: str) -> str:
    return url.replace("ws", "http", 1) + path


async def metric(url: str, name: str) -> float:
    """The value of a metric by its name and labels; 0 before it was counted."""
    async with aiohttp.ClientSession() as http, http.get(http_url(url, "/metrics")) as answer:
        lines = (await answer.text()).splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)
