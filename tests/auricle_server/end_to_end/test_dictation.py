"""A caller spells a code to a real server, over sockets: one turn, and its characters."""

from __future__ import annotations

import asyncio

import auricle
from auricle.protocol.settings import Expect, TurnSettings
from auricle_server.bench.clips import load_clips
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally

SPELLED = 5
"""The clip that ends with "The code is ... U K D one zero three, four seven." """
PACKET = 5_120
SILENCE = bytes(2 * 16_000 * 2)


async def turns(url: str, expect: Expect) -> list[auricle.TurnEnd]:
    start = auricle.Start(latency_ms=160, turn=TurnSettings("silence", silence_ms=300, expect=expect))
    pcm = load_clips()[SPELLED].pcm.tobytes() + SILENCE

    async with auricle.connect(url, start=start) as stream:

        async def send() -> None:
            for at in range(0, len(pcm), PACKET):
                await stream.send(pcm[at : at + PACKET])
            await stream.end()

        sending = asyncio.create_task(send())
        ends = [event async for event in stream if isinstance(event, auricle.TurnEnd)]
        await sending
    return ends


async def test_a_spelled_code_is_collected() -> None:
    async with serve_locally(ServerConfig(max_load=0)) as url:
        plain, letters, digits = await turns(url, "none"), await turns(url, "letters"), await turns(url, "digits")
    assert [end.text for end in plain] == [end.text for end in letters] == [end.text for end in digits]
    assert [end.collected for end in plain] == ["", ""]
    assert letters[-1].collected.endswith("UKD10347")
    assert digits[-1].collected == "10347"
    assert letters[-1].audio_time - letters[-1].speech_end >= 1.5 > plain[-1].audio_time - plain[-1].speech_end
