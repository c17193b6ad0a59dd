"""Several models on one server: whatever a client speaks, the model that it names gets its stream.

The second model alone knows German, by which a request shows which one it has got.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import grpc
import pytest
import soundfile

import auricle
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_server.raw_client import connected_client, until
from tests.support import tones
from tests.support.servers.riva import connected_stub, first, free_port, pieces

PCM, TEXT = tones.utterance(11, 3, trailing=0.1)
MODELS = f"one={tones.CHECKPOINT},two=demo-multilingual,slots=3"
SERVED = "this server has one, two, not"


@asynccontextmanager
async def server(**options: Any) -> AsyncIterator[str]:
    config = ServerConfig(model=MODELS, slots=5, max_load=0.0, device="cpu", **options)
    async with serve_locally(config) as url:
        yield url


async def get(url: str, path: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(url.replace("ws", "http", 1) + path, headers=headers) as got:
        return got.status, await got.json()


@asynccontextmanager
async def socket(url: str, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}{path}", **options) as opened:
        yield opened


async def refusal(url: str, path: str) -> tuple[int, str]:
    """Status of a refused upgrade, and the header that says why."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with socket(url, path):
            pass
    assert refused.value.headers is not None
    return refused.value.status, refused.value.headers["Auricle-Error"]


async def until_type(opened: aiohttp.ClientWebSocketResponse, *kinds: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = await asyncio.wait_for(opened.receive_json(), 30)
        if event["type"] in kinds:
            return event


async def test_the_native_protocol_and_its_client() -> None:
    async with server() as url:
        for query, settings, expected in (
            ("", {}, "one"),
            ("?model=two", {}, "two"),
            ("", {"model": "two"}, "two"),
            ("?model=one", {"model": "two"}, "two"),
            ("?model=two", {"model": "one"}, "one"),
        ):
            async with connected_client(url, query) as raw:
                assert (await raw.start(**settings))["model"] == expected
        async with connected_client(url, "?model=two") as raw:
            assert (await raw.start(language="de-DE"))["language"] == "de-DE"
        # The slot that was reserved for the other model is free again.
        async with connected_client(url, "?model=two") as raw:
            await raw.start(model="one")
            await raw.send_audio(PCM)
            await raw.end()
            assert raw.text == TEXT

        async def free() -> bool:
            models = (await get(url, "/v1/status", Accept="application/json"))[1]["models"]
            return [model["streams"] for model in models] == [0, 0]

        await until(free)
        assert await refusal(url, "/v1/stream?model=three") == (404, f"unknown_model: model: {SERVED} 'three'")
        async with connected_client(url) as raw:
            await raw.send(type="start", version=1, model="three")
            [error] = await raw.rest()
            assert (error["code"], raw.close_code) == ("unknown_model", 1008)
            assert SERVED in error["message"]

        async with auricle.connect(url, start=auricle.Start(model="two", language="de")) as stream:
            assert stream.ready.model == "two"
        with pytest.raises(auricle.Refused, match=SERVED):
            async with auricle.connect(url, start=auricle.Start(model="three")):
                pass


async def test_a_model_without_a_free_slot_refuses_and_the_other_one_takes_streams() -> None:
    async with server() as url, AsyncExitStack() as stack:
        for _ in range(3):
            raw = await stack.enter_async_context(connected_client(url, "?model=two"))
            await raw.start()
        status, why = await refusal(url, "/v1/stream?model=two")
        assert (status, why.partition(":")[0]) == (503, "server_full")
        late = await stack.enter_async_context(connected_client(url))
        await late.send(type="start", version=1, model="two")
        [error] = await late.rest()
        assert (error["code"], late.close_code) == ("server_full", 1013)
        other = await stack.enter_async_context(connected_client(url))
        assert (await other.start())["model"] == "one"

        async def told() -> bool:
            full = [(await get(url, f"/readyz?model={name}&no_new=404"))[0] for name in ("one", "two")]
            return full == [200, 404] and (await get(url, "/readyz?no_new=404"))[0] == 200

        await until(told)


async def test_what_the_server_says_of_its_models() -> None:
    port = free_port()
    async with server(riva_port=port) as url:
        _, listed = await get(url, "/v1/models")
        assert [model["id"] for model in listed["data"]] == ["one", "two"]
        one, two = listed["data"]
        assert (one["languages"], "de-DE" in two["languages"]) == (["en-US"], True)
        assert one["latencies_ms"]
        assert (await get(url, "/v1/models/two"))[1]["id"] == "two"
        assert (await get(url, "/v1/models/whisper-1"))[1]["id"] == "one"
        status, refused = await get(url, "/v1/models/three")
        assert (status, refused["error"]["code"]) == (404, "model_not_found")
        _, ready = await get(url, "/readyz")
        assert (ready["model"], [each["name"] for each in ready["models"]]) == ("one", ["one", "two"])
        _, ready = await get(url, "/readyz?model=two")
        assert (ready["model"], ready["slots"]) == ("two", 3)
        assert (await get(url, "/readyz?model=three"))[0] == 404
        _, status_now = await get(url, "/v1/status", Accept="application/json")
        assert [(each["name"], each["slots"], each["state"]) for each in status_now["models"]] == [
            ("one", 5, "ready"),
            ("two", 3, "ready"),
        ]
        async with connected_stub(port) as stub:
            entries = (await stub.models()).model_config
            assert {entry.model_name for entry in entries} == {"one", "two"}
            assert {entry.model_name for entry in (await stub.models("two")).model_config} == {"two"}


async def test_recordings_of_openais_and_deepgrams_clients() -> None:
    wav = io.BytesIO()
    soundfile.write(wav, PCM, 16_000, format="WAV")

    async with server() as url, aiohttp.ClientSession(url.replace("ws", "http", 1)) as http:

        async def openai(model: str) -> tuple[int, Any]:
            form = aiohttp.FormData({"model": model, "language": "de"})
            form.add_field("file", wav.getvalue(), filename="a.wav")
            async with http.post("/v1/audio/transcriptions", data=form) as answer:
                return answer.status, await answer.json()

        async def deepgram(model: str) -> tuple[int, Any]:
            query = {"model": model, "language": "de"}
            async with http.post("/v1/listen", params=query, data=wav.getvalue()) as answer:
                return answer.status, await answer.json()

        status, said = await openai("two")
        assert (status, "text" in said) == (200, True)
        status, refused = await openai("whisper-1")
        assert (status, refused["error"]["code"]) == (400, "unsupported_language")
        status, refused = await openai("three")
        assert (status, refused["error"]["code"], SERVED in refused["error"]["message"]) == (
            404,
            "model_not_found",
            True,
        )

        status, said = await deepgram("two")
        [info] = said["metadata"]["model_info"].values()
        assert (status, info["name"]) == (200, "two")
        assert (await deepgram("nova-3"))[0] == 400
        status, refused = await deepgram("three")
        assert (status, refused["err_code"], SERVED in refused["err_msg"]) == (404, "UNKNOWN_MODEL", True)


async def test_live_streams_of_deepgrams_clients() -> None:
    async with server() as url:
        for path, accepted in (
            ("/v1/listen?encoding=linear16&sample_rate=16000&language=de&model=two", True),
            ("/v1/listen?encoding=linear16&sample_rate=16000&language=de&model=nova-3", False),
            ("/v2/listen?encoding=linear16&sample_rate=16000&model=two", True),
            ("/v2/listen?encoding=linear16&sample_rate=16000&model=flux-general-en", True),
        ):
            if accepted:
                async with socket(url, path) as opened:
                    assert not opened.closed
            else:
                assert (await refusal(url, path))[0] == 400
        for path in ("/v1/listen?model=three", "/v2/listen?model=three"):
            assert await refusal(url, path) == (404, f"unknown_model: model: {SERVED} 'three'")


@pytest.mark.parametrize("way", ["query", "update", "older update"])
async def test_openais_realtime_clients(way: str) -> None:
    transcription = {"language": "de", **({} if way == "query" else {"model": "two"})}
    update: dict[str, Any] = {
        "type": "session.update",
        "session": {"audio": {"input": {"transcription": transcription, "turn_detection": None}}},
    }
    if way == "older update":
        session = {"input_audio_transcription": transcription, "turn_detection": None}
        update = {"type": "transcription_session.update", "session": session}
    async with server() as url, socket(url, f"/v1/realtime?model={'two' if way == 'query' else ''}") as opened:
        await until_type(opened, "session.created")
        await opened.send_json(update)
        # 24 kHz is what the format has unless a session says otherwise; what is heard does not matter here.
        audio = base64.b64encode(PCM.tobytes()).decode()
        await opened.send_json({"type": "input_audio_buffer.append", "audio": audio})
        await opened.send_json({"type": "input_audio_buffer.commit"})
        answer = await until_type(opened, "session.updated", "transcription_session.updated", "error")
        assert answer["type"].endswith("updated"), answer
        await until_type(opened, "conversation.item.input_audio_transcription.completed")
        models = (await get(url, "/v1/status", Accept="application/json"))[1]["models"]
        assert [model["streams"] for model in models] == [0, 1]


async def test_vllms_and_nims_realtime_clients() -> None:
    async with server() as url:

        async def streams(*expected: int) -> None:
            async def counted() -> bool:
                models = (await get(url, "/v1/status", Accept="application/json"))[1]["models"]
                return [model["streams"] for model in models] == list(expected)

            await until(counted)

        async with socket(url, "/v1/realtime") as opened:
            await opened.send_json({"type": "session.update", "model": "two"})
            await streams(0, 1)
        async with socket(url, "/v1/realtime?shape=nim") as opened:
            session = {"input_audio_transcription": {"model": "two", "language": "de-DE"}}
            await opened.send_json({"type": "transcription_session.update", "session": session})
            updated = await until_type(opened, "transcription_session.updated", "error")
            assert updated["session"]["input_audio_transcription"]["model"] == "two"
            await streams(0, 1)
        for message in (
            {"type": "session.update", "model": "three"},
            {"type": "transcription_session.update", "session": {"input_audio_transcription": {"model": "three"}}},
        ):
            path = "/v1/realtime?shape=nim" if message["type"] != "session.update" else "/v1/realtime"
            async with socket(url, path) as opened:
                await opened.send_json(message)
                assert SERVED in json.dumps(await until_type(opened, "error"))


async def test_rivas_clients() -> None:
    port = free_port()
    async with server(riva_port=port), connected_stub(port) as stub:
        await stub.say(first(model="two", language_code="de-DE"), *pieces(PCM))
        for model, status in (("", "INVALID_ARGUMENT"), ("parakeet-1.1b", "INVALID_ARGUMENT"), ("three", "NOT_FOUND")):
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await stub.say(first(model=model, language_code="de-DE"))
            assert failed.value.code().name == status
        await stub.recognize(PCM.tobytes(), model="two", language_code="de-DE")
