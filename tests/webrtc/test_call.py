"""A call over real WebRTC: Opus, DTLS, ICE, and Pipecat's own transport in front of the service."""

from __future__ import annotations

from typing import Any

import pytest
from pipecat.frames.frames import InterimTranscriptionFrame

from auricle.protocol.server_messages import Final
from pipecat_auricle import TurnDetection
from tests.webrtc.caller import calling
from tests.webrtc.clips import clip, likeness, recognised
from tests.webrtc.listener import Captions, listening

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("turn_detection", ["vad", "server"])
async def test_a_call_is_heard_word_for_word_as_its_audio_is(auricle_url: str, turn_detection: TurnDetection) -> None:
    pcm, text = clip(trailing=0.5)
    async with listening(auricle_url, turn_detection) as bot:
        async with calling(bot.answer) as caller:
            await caller.microphone.say(pcm)
            await caller.told_finals(times=text.count("."))
            await bot.hang_up()
        told = caller.of("user-transcription")
    assert not bot.errors
    directly = await recognised(auricle_url, bot.stt.start_message(), bot.wire.pieces)
    assert [frame.text for frame in bot.captions.finals] == [final.text.strip() for final in directly]
    assert timed(*(frame.result for frame in bot.captions.finals)) == timed(*directly)
    assert likeness(" ".join(frame.text for frame in bot.captions.finals), text) > 0.8
    assert_words_grow(bot.captions)
    assert [(data["text"], data["final"]) for data in told] == [
        (frame.text, not isinstance(frame, InterimTranscriptionFrame)) for frame in bot.captions.frames
    ]


def timed(*finals: Any) -> list[tuple[str, float, float]]:
    """Words with their times: the same stretches of sound."""
    assert all(isinstance(final, Final) for final in finals)
    return [(word.text, word.start, word.end) for final in finals for word in final.words]


def assert_words_grow(captions: Captions) -> None:
    """Each final is what its interims have grown to, and has some."""
    shown: list[str] = []
    for frame in captions.frames:
        if isinstance(frame, InterimTranscriptionFrame):
            shown.append(frame.text)
        else:
            assert len(shown) > 1, frame
            assert all(frame.text.startswith(text) for text in shown), frame
            assert shown == sorted(shown, key=len)
            shown = []
    assert not shown, "words without a final"
