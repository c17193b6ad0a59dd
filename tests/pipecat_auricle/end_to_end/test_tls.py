"""The service with a server whose certificate a private authority has signed."""

from __future__ import annotations

from pathlib import Path

from pipecat.frames.frames import ErrorFrame, TranscriptionFrame

from auricle_server.config import ServerConfig
from pipecat_auricle import AuricleSTTService
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import pcm_frames, running
from tests.support.servers.authority import Authority
from tests.support.servers.server_thread import serving_in_a_thread


async def test_it_hears_over_wss(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.certificate()
    pcm, text = tones.utterance(seed=3, words=4, trailing=0.4)
    config = ServerConfig(max_load=0, tls_cert=str(cert), tls_key=str(key))
    with serving_in_a_thread(config, model=str(tones.CHECKPOINT)) as url:
        async with running(AuricleSTTService(url=url, ssl=authority.trusting)) as agent:
            await agent.vad(speaking=True)
            await agent.send(*pcm_frames(pcm))
            await agent.vad(speaking=False)
            assert (await agent.down.wait_for(TranscriptionFrame)).text == text

        async with running(AuricleSTTService(url=url)) as agent:
            error = await agent.up.wait_for(ErrorFrame)
    assert "certificate is not trusted" in error.error
