"""Words, times, turns and settings of the JavaScript client on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile

from auricle import Start, TextFormat, TurnSettings
from auricle_server.demo.programme import AUDIO_FOLDER
from tests.auricle_js.listening import heard
from tests.support.browser.node import NEEDS_NODE, run_suite

pytestmark = [NEEDS_NODE, pytest.mark.slow, pytest.mark.timeout(200)]

CLIP = AUDIO_FOLDER / "clip_01.wav"
STARTS: dict[str, tuple[dict[str, Any], Start]] = {
    "default": ({}, Start()),
    "560 ms, long silences": (
        {"latencyMs": 560, "turn": {"mode": "silence", "silenceMs": 1200, "maxTurnSeconds": 4, "expect": "digits"}},
        Start(latency_ms=560, turn=TurnSettings(silence_ms=1200, max_turn_seconds=4, expect="digits")),
    ),
    "80 ms, eager, without words": (
        {"latencyMs": 80, "turn": {"silenceMs": 700, "eagerSilenceMs": 200}, "words": False},
        Start(latency_ms=80, turn=TurnSettings(silence_ms=700, eager_silence_ms=200), words=False),
    ),
    "a recording, refined and written otherwise": (
        {"offline": True, "refine": "on", "textFormat": {"profanityFilter": True}},
        Start(offline=True, refine="on", text_format=TextFormat(profanity_filter=True)),
    ),
}


async def test_words_and_settings(auricle_url: str) -> None:
    pcm = soundfile.read(CLIP, dtype="int16")[0].astype("<i2").tobytes()
    expected = {
        name: {"settings": settings, "events": await heard(auricle_url, pcm, start)}
        for name, (settings, start) in STARTS.items()
    }
    assert all(each["events"] for each in expected.values())
    await run_suite(Path(__file__).with_name("words.test.mjs"), URL=auricle_url, CLIP=str(CLIP), HEARD=expected)
