"""A call over a network that loses, delays and reorders packets."""

from __future__ import annotations

import pytest

from tests.webrtc.caller import calling
from tests.webrtc.clips import clip, likeness, recognised
from tests.webrtc.listener import listening
from tests.webrtc.relay import CLUMP_SECONDS, bad_network


@pytest.mark.timeout(120)
async def test_a_bad_network_costs_sound_and_no_more(auricle_url: str) -> None:
    pcm, text = clip(trailing=0.5)
    async with (
        bad_network(seed=7) as network,
        listening(auricle_url, "server") as bot,
        calling(network.between(bot.answer)) as caller,
    ):
        await caller.microphone.say(pcm)
        await caller.told_finals(times=1)
        await bot.hang_up()
    packets = len(network.passed) + network.lost
    assert network.lost
    assert network.overtaken > packets * 0.05
    assert network.longest_wait > CLUMP_SECONDS / 2
    # The service makes of what arrives what a server makes of it; the words that did not arrive are the network's.
    assert not bot.errors
    directly = await recognised(auricle_url, bot.stt.start_message(), bot.wire.pieces)
    assert [frame.text for frame in bot.captions.finals] == [final.text.strip() for final in directly]
    assert likeness(" ".join(frame.text for frame in bot.captions.finals), text) > 0.4
