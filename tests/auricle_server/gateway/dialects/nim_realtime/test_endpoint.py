"""NIM's realtime transcription on a real server, message for message as NVIDIA's client speaks it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict, MultiDict

from auricle_server.gateway.dialects.nim_realtime.endpoint import NimRealtimeEndpoint
from auricle_server.gateway.errors import NotReady
from tests.auricle_server.gateway.conftest import Serve
from tests.support import tones
from tests.support.native_answer import native_answer

PCM, TEXT = tones.utterance(5, 12, trailing=2.0)
SHORT, SAID = tones.utterance(11, 3, trailing=0.1)
URL, SESSIONS = "/v1/realtime?intent=transcription", "/v1/realtime/transcription_sessions"
UPDATE, UPDATED = "transcription_session.update", "transcription_session.updated"
DELTA, DONE = (f"conversation.item.input_audio_transcription.{kind}" for kind in ("delta", "completed"))


class NimClient:
    """A connection whose session is set."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: dict[str, Any]) -> None:
        self.socket = socket
        self.session = session
        self.events: list[dict[str, Any]] = []

    async def event(self, *kinds: str) -> dict[str, Any]:
        while True:
            event: dict[str, Any] = await self.socket.receive_json(timeout=30)
            self.events.append(event)
            if event["type"] in kinds:
                return event

    async def update(self, **session: Any) -> dict[str, Any]:
        await self.socket.send_json({"type": UPDATE, "session": {**self.session, **session}})
        return await self.event(UPDATED, "error")

    async def send(self, audio: bytes, **runtime: str) -> None:
        """In pieces that end within samples; the last one has the runtime's configuration."""
        for at in range(0, len(audio), 3_201):
            append: dict[str, Any] = {"type": "input_audio_buffer.append"}
            append["audio"] = base64.b64encode(audio[at : at + 3_201]).decode()
            if runtime and at + 3_201 >= len(audio):
                append["runtime_config"] = runtime
            await self.socket.send_json(append)
            await self.socket.send_json({"type": "input_audio_buffer.commit"})

    async def end(self) -> list[dict[str, Any]]:
        """Ends the audio; what is completed of it, all in all."""
        await self.socket.send_json({"type": "input_audio_buffer.done"})
        while not (await self.event(DONE))["is_last_result"]:
            pass
        assert (await self.socket.receive(timeout=30)).type is aiohttp.WSMsgType.CLOSE
        assert self.socket.close_code == 1000
        return self.of(DONE)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


@asynccontextmanager
async def connected(url: str, key: str = "key", **session: Any) -> AsyncIterator[NimClient]:
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as http:
        async with http.post(url.replace("ws", "http", 1) + SESSIONS, json={}, headers=headers) as answer:
            assert answer.status == 200
            offered = await answer.json()
        protocols = ("realtime", "realtime-token." + offered["client_secret"]["value"])
        async with http.ws_connect(url + URL, protocols=protocols) as socket:
            assert socket.protocol == "realtime"
            assert (await socket.receive_json(timeout=10))["type"] == "conversation.created"
            client = NimClient(socket, offered)
            assert (await client.update(**session))["type"] == UPDATED
            yield client


def text(completed: list[dict[str, Any]]) -> str:
    return " ".join(filter(None, (event["transcript"] for event in completed)))


async def test_words_are_those_of_the_native_protocol(url: str) -> None:
    native = await native_answer(url, PCM, turn={"mode": "silence", "silence_ms": 500})
    async with connected(url, recognition_config={"enable_word_time_offsets": True}) as client:
        await client.send(PCM.tobytes())
        completed = await client.end()
    assert text(completed) == TEXT
    words = [word for event in completed for word in event["words_info"]["words"]]
    assert [(word["word"], word["start_time"], word["end_time"]) for word in words] == [
        (word, round(start * 1000), round(end * 1000)) for word, start, end in native.words
    ]
    assert [event["transcript"] for event in completed if event["transcript"]] == [
        final["text"] for final in native.finals if final["text"]
    ]
    assert len(client.of("input_audio_buffer.committed")) == -(-len(PCM.tobytes()) // 3_201)
    assert completed[-1]["usage"]["seconds"] == pytest.approx(len(PCM) / 16_000, abs=0.01)
    # Each delta is the whole text of its item so far.
    told = {event["item_id"]: event["delta"] for event in client.of(DELTA)}
    for event in completed:
        assert event["transcript"].startswith(told.get(event["item_id"], ""))


async def test_a_forced_end_is_answered(url: str) -> None:
    async with connected(url) as client:
        await client.send(SHORT.tobytes(), force_eou="true")
        assert (await client.event(DONE))["transcript"] == SAID
        await client.send(bytes(2), force_eou="true")
        answered = await client.event(DONE)
        assert (answered["transcript"], answered["is_last_result"]) == ("", False)
        assert (await client.end())[-1]["transcript"] == ""


async def test_the_secret_of_a_session_opens_its_socket(serve: Serve) -> None:
    async with serve(api_keys=("right",)) as url, aiohttp.ClientSession() as http:
        there = url.replace("ws", "http", 1) + SESSIONS
        async with http.post(there, json={}, headers={"X-API-Key": "wrong"}) as answer:
            assert answer.status == 401
            assert "API key" in (await answer.json())["detail"]
        async with http.post(there, json={}, headers={"X-API-Key": "right"}) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
            secret = (await answer.json())["client_secret"]["value"]
            assert "right" not in secret
        # It opens streams, and no further sessions.
        async with http.post(there, json={}, headers={"X-API-Key": secret}) as answer:
            assert answer.status == 403
        for protocols in (("realtime", "realtime-token.wrong"), ("realtime",)):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(url + URL, protocols=protocols)
            assert refused.value.status == 401
        async with connected(url, key="right") as client:
            await client.send(SHORT.tobytes())
            assert text(await client.end()) == SAID


async def test_a_client_without_the_subprotocol_is_known_by_its_session(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(url + URL) as socket:
        assert (await socket.receive_json(timeout=10))["type"] == "session.created"
        session = {"input_audio_format": "pcm16", "input_audio_params": {"sample_rate_hz": 16_000, "num_channels": 1}}
        client = NimClient(socket, session)
        assert (await client.update())["session"]["recognition_config"]["max_alternatives"] == 1
        await client.send(SHORT.tobytes())
        assert text(await client.end()) == SAID


async def test_an_older_session_of_openai_is_no_session_of_nim(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(url + URL) as socket:
        await socket.receive_json(timeout=10)
        client = NimClient(socket, {"input_audio_format": "pcm16", "turn_detection": None})
        assert (await client.update())["session"]["turn_detection"] is None


async def test_the_url_may_name_the_format(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}{URL}&shape=nim") as socket:
        assert (await socket.receive_json(timeout=10))["type"] == "conversation.created"
        client = NimClient(socket, {})
        await client.send(SHORT.tobytes())  # 16 kHz, without an update
        assert text(await client.end()) == SAID


async def test_what_is_wrong_is_answered_in_words_and_the_stream_goes_on(url: str) -> None:
    async with connected(url) as client:
        for message in ("{", "[]", '{"type":"response.create"}', '{"type":"input_audio_buffer.append","audio":"?"}'):
            await client.socket.send_str(message)
            error = (await client.event("error"))["error"]
            assert error["message"]
        for session in (
            {"input_audio_params": {"sample_rate_hz": 8_000}},
            {"input_audio_params": {"num_channels": 99}},
            {"input_audio_params": 5},
            {"input_audio_format": "opus"},
            {"input_audio_transcription": {"language": "xx-XX"}},
            {"recognition_config": {"custom_configuration": "latency_ms:-1"}},
            {"recognition_config": {"custom_configuration": "latency_ms:81"}},
            {"recognition_config": {"enable_word_time_offsets": "perhaps"}},
            {"word_boosting": {"enable_word_boosting": True, "word_boosting_list": ["word"]}},
        ):
            assert (await client.update(**session))["type"] == "error", session
        await client.send(SHORT.tobytes())
        assert text(await client.end()) == SAID


async def test_a_session_changes_while_it_goes_on(url: str) -> None:
    async with connected(url) as client:
        boosting = {"enable_word_boosting": True, "word_boosting_list": [{"phrases": ["was on"], "boost": 20.0}]}
        shown = await client.update(
            word_boosting=boosting,
            endpointing_config={"stop_history": 800, "stop_history_eou": 320},
            recognition_config={"custom_configuration": "latency_ms:80,anything:else"},
        )
        assert shown["session"]["word_boosting"] == boosting
        assert shown["session"]["endpointing_config"]["stop_history"] == 800
        await client.send(PCM.tobytes())
        assert len(text(await client.end()).split()) == 12


def test_a_server_without_a_model_refuses() -> None:
    with pytest.raises(NotReady):
        NimRealtimeEndpoint().open(MultiDict(), CIMultiDict(), None)
