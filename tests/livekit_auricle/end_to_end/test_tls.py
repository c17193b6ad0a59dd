"""The plugin with a server whose certificate a private authority has signed."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions
from livekit.plugins import auricle

from auricle_server.config import ServerConfig
from tests.support import tones
from tests.support.adapters.livekit_stream import texts, transcribe
from tests.support.levels import Audio
from tests.support.servers.authority import Authority
from tests.support.servers.server_thread import serving_in_a_thread


async def test_it_hears_over_wss_and_its_prewarmed_connection_is_used(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.certificate()
    pcm, text = tones.utterance(seed=3, words=4, trailing=0.4)
    audio = Audio(pcm, tones.SAMPLE_RATE, ())
    opened = 0

    async def count(*_: object) -> None:
        nonlocal opened
        opened += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    config = ServerConfig(max_load=0, tls_cert=str(cert), tls_key=str(key))
    with serving_in_a_thread(config, model=str(tones.CHECKPOINT)) as url:
        async with aiohttp.ClientSession(trace_configs=[trace]) as http:
            stt = auricle.STT(url=url, ssl=authority.trusting, http_session=http)
            stt.prewarm()
            assert stt._service._prewarming is not None
            await stt._service._prewarming
            assert " ".join(texts(await transcribe(stt, audio))) == text
            assert opened == 1
            await stt.aclose()

        stranger = auricle.STT(url=url)
        stream = stranger.stream(conn_options=APIConnectOptions(max_retry=0))
        with pytest.raises(APIConnectionError, match="certificate is not trusted"):
            await anext(stream)
        await stream.aclose()
        await stranger.aclose()
