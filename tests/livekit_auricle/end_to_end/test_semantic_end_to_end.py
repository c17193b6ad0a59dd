"""A speaker who stops to think: one turn in semantic mode, two by silence; with a real session and server."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.plugins import auricle

from auricle_server.config import ServerConfig
from auricle_server.demo.scores import count_errors
from auricle_server.serving.in_process_server import serve_locally
from tests.support.adapters.livekit_session import listening
from tests.support.audio.hesitation import AFTER, BEFORE, hesitation
from tests.support.audio.recordings import RATE
from tests.support.levels import Audio

PAUSE, TRAILING = 0.8, 0.1
STT_TURNS: dict[str, Any] = {"turn_detection": "stt", "endpointing": {"min_delay": 0.0}}


@pytest.mark.parametrize(
    ("options", "turns"),
    [
        ({"turn_mode": "semantic", "end_threshold": 0.9, "max_silence_ms": 1_500}, 1),
        ({"silence_ms": 500}, 2),
    ],
)
async def test_a_pause_in_a_sentence_ends_a_turn_only_by_silence(options: dict[str, Any], turns: int) -> None:
    speech = Audio(hesitation(PAUSE, TRAILING), RATE, ())
    async with serve_locally(ServerConfig(max_load=0)) as url:
        stt = auricle.STT(url=url, turn_detection="server", **options)
        async with listening(speech, stt=stt, vad=None, turn_handling=STT_TURNS) as heard:
            await heard.audio.played.wait()
            await heard.until(lambda: bool(heard.turns) and heard.settled)
    assert len(heard.turns) == turns
    assert heard.turns == heard.finals
    errors, _ = count_errors(f"{BEFORE} {AFTER}", " ".join(heard.turns))
    assert errors <= 2
    assert not heard.errors
