"""vLLM's form, on a real server: as its example client speaks it."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp

from auricle_server.gateway.dialects.openai_realtime.vllm_conversation import is_vllm
from auricle_server.gateway.session.client_json import JsonObject
from tests.support import tones

PCM, TEXT = tones.utterance(5, 12, trailing=0.3)


def test_the_first_message_tells_the_forms_apart() -> None:
    assert is_vllm(JsonObject({"type": "session.update", "model": "whisper"}))
    assert not is_vllm(JsonObject({"type": "session.update", "session": {"model": "whisper"}}))
    assert not is_vllm(JsonObject({"type": "input_audio_buffer.commit", "model": "whisper"}))


async def until_done(socket: aiohttp.ClientWebSocketResponse) -> tuple[str, dict[str, Any]]:
    """The deltas joined, and the event that ends them."""
    told = ""
    while (event := await socket.receive_json(timeout=30))["type"] == "transcription.delta":
        told += event["delta"]
    return told, event


async def test_recordings_are_transcribed_one_after_the_other(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/v1/realtime") as socket:
        assert (await socket.receive_json(timeout=10))["type"] == "session.created"
        await socket.send_json({"type": "session.update", "model": "whisper"})
        for _ in range(2):
            await socket.send_json({"type": "input_audio_buffer.commit"})
            for at in range(0, len(PCM) * 2, 4_097):
                piece = base64.b64encode(PCM.tobytes()[at : at + 4_097]).decode()
                await socket.send_json({"type": "input_audio_buffer.append", "audio": piece})
            await socket.send_json({"type": "input_audio_buffer.commit", "final": True})
            told, done = await until_done(socket)
            assert (told, done["type"], done["text"]) == (TEXT, "transcription.done", TEXT)
            assert done["usage"]["seconds"] > 4


async def test_what_is_wrong_is_answered_in_its_form(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/v1/realtime") as socket:
        await socket.receive_json(timeout=10)
        await socket.send_json({"type": "session.update", "model": "whisper"})
        for text in ("{", '{"type":"response.create"}', '{"type":"input_audio_buffer.append","audio":"x"}'):
            await socket.send_str(text)
            error = await socket.receive_json(timeout=10)
            assert (error["type"], type(error["error"]), type(error["code"])) == ("error", str, str)
        await socket.send_json({"type": "input_audio_buffer.commit", "final": True})
        assert (await until_done(socket))[1]["text"] == ""
