"""The LiveKit examples: captions of a recording, and an assistant that answers one."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import soundfile

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.agent_examples.programs import clip, run, said
from tests.webrtc.clips import likeness
from tests.webrtc.openai_standin import openai_standin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
LIKE = 0.6
"""The bundled model takes a word in six for another."""


async def test_captions_of_the_recording_that_comes_with_it() -> None:
    lines = await run("livekit_captions.py")
    assert likeness(said(lines), clip()[1]) > LIKE
    assert any("after the last word]" in line for line in lines)


@pytest.mark.exclusive
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_the_assistant_answers_a_recording(tmp_path: Path) -> None:
    (question, text), answer = clip(), tmp_path / "answer.wav"
    async with serve_locally(ServerConfig(max_load=0)) as url, openai_standin("I am very well.") as api:
        environment = {
            "AURICLE_URL": url,
            "OPENAI_BASE_URL": api.url,
            "OPENAI_API_KEY": "none",
            "LLM_MODEL": "a-model",
            "TTS_VOICE": "a-voice",
            "LLM_PROMPT": "Be well.",
        }
        lines = await run("livekit_assistant.py", question, answer, environment=environment)
    heard = said(lines[: lines.index(next(line for line in lines if line.startswith("< ")))])
    assert text.startswith(heard[:5])
    assert said(lines, "< ") == "I am very well."
    assert api.chats[-1]["model"] == "a-model"
    said_in = [[each["content"] for each in chat["messages"] if each["role"] == "user"] for chat in api.chats]
    assert heard in [" ".join(words) for words in said_in]  # in one message, or in one for each of its turns
    assert [(each["input"], each["voice"]) for each in api.speeches] == [("I am very well.", "a-voice")]
    assert await asyncio.to_thread(loud_seconds, answer) > 0.5


def loud_seconds(path: Path) -> float:
    pcm, rate = soundfile.read(path)
    return float((abs(pcm) > 0.01).sum() / rate)
