"""A worker that dies in the middle of a recording: real processes, and a client with OpenAI's own retries."""

from __future__ import annotations

import asyncio
import os
import signal

import numpy as np
import openai
import pytest

from tests.auricle_server.audio_files.recordings import encoded
from tests.auricle_server.gateway.http.files.uploads import http_url
from tests.auricle_server.raw_client import until
from tests.auricle_server.serving.supervised import Server, serving, stopped
from tests.support import tones

pytestmark = pytest.mark.slow

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
TIMES = 20
"""Three minutes of audio: it takes long enough that the worker dies in the middle."""


def recording() -> tuple[str, bytes]:
    return "talk.flac", encoded("FLAC", "PCM_16", np.tile(PCM, TIMES))


def sdk(server: Server) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="key", base_url=http_url(server.url, "/v1"), max_retries=20)


async def kill_worker(server: Server) -> None:
    """Kills the worker once it decodes a recording."""
    await until(lambda: "stream started" in server.log)
    os.kill(server.pids("worker-0")[-1], signal.SIGKILL)


async def test_the_client_gets_its_whole_transcript() -> None:
    async with serving(slots=2, drain_seconds=0, max_load=0) as server, sdk(server) as client:
        asked = asyncio.create_task(client.audio.transcriptions.create(file=recording(), model="m"))
        await kill_worker(server)
        answer = await asyncio.wait_for(asked, 240)
        assert len(server.pids("worker-0")) == 2
        again = await client.audio.transcriptions.create(file=recording(), model="m")
        assert answer.text == again.text
        assert answer.text.startswith(TEXT)
        assert await stopped(server) == 0


async def test_a_client_that_has_had_a_part_is_told_to_try_again() -> None:
    async with serving(slots=2, drain_seconds=0, max_load=0) as server, sdk(server) as client:
        stream = await client.audio.transcriptions.create(file=recording(), model="m", stream=True)
        assert (await anext(stream.__aiter__())).type == "transcript.text.delta"
        os.kill(server.pids("worker-0")[-1], signal.SIGKILL)
        with pytest.raises(openai.APIError, match="the worker was lost"):
            [event async for event in stream]
