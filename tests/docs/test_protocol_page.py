"""What `docs/protocol.md` says of version 1 is what both ends do."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import pytest

from auricle.protocol import (
    CODES,
    PROTOCOL_VERSION,
    ClientConnection,
    Finalize,
    InvalidMessage,
    ServerConnection,
    Start,
    TurnSettings,
)
from auricle.protocol.codec import decode_client, decode_event, encode_client
from auricle_server.config import ServerConfig
from tests.docs.pages import ROOT
from tests.support import tones

PAGE = (ROOT / "docs" / "protocol.md").read_text()
(TRANSCRIPT,) = re.findall(r"<!-- transcript -->\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_is_legal_at_both_ends() -> None:
    client, server = ClientConnection(), ServerConnection()
    samples = 0.0
    for line in TRANSCRIPT.splitlines():
        side, text = line[0], line[2:]
        if audio := re.match(r"<(\d+) bytes", text):
            server.receive_binary(client.audio(bytes(int(audio[1]))))
            samples += int(audio[1]) / 2
        elif side == "C":
            (said,) = server.receive_text(text)
            say(client, said)
        else:
            event = client.receive_text(text)
            assert event is not None
            assert event.audio_time <= samples / 16_000
            server.send(event)
    assert client.ended
    assert server.ended


def say(client: ClientConnection, message: Any) -> None:
    match message:
        case Start():
            client.start(message)
        case Finalize():
            client.finalize(message.id)
        case _:
            client.end()


def test_every_type_of_message_has_a_section() -> None:
    sections = set(re.findall(r"^### ([a-z_]+)$", PAGE, re.MULTILINE))
    assert sections >= {"start", "update", "finalize", "end", "ready", "interim", "final", "turn_end", "error"}
    assert f"version {PROTOCOL_VERSION} of the native protocol" in PAGE


def test_the_limits_of_fields_are_those_that_are_said() -> None:
    fits: list[Any] = [
        lambda: Start(sample_rate=8000),
        lambda: Start(sample_rate=48_000),
        lambda: Finalize("x" * 128),
        lambda: TurnSettings(silence_ms=80),
        lambda: TurnSettings(silence_ms=10_000, eager_silence_ms=80),
        lambda: TurnSettings(end_threshold=1),
    ]
    for make in fits:
        make()
    wrong: list[Any] = [
        lambda: Start(sample_rate=7999),
        lambda: Start(sample_rate=48_001),
        lambda: Start(offline=True, latency_ms=160),
        lambda: Finalize(""),
        lambda: Finalize("x" * 129),
        lambda: TurnSettings(silence_ms=79),
        lambda: TurnSettings(silence_ms=10_001),
        lambda: TurnSettings(silence_ms=500, eager_silence_ms=500),
        lambda: TurnSettings(end_threshold=0),
        lambda: TurnSettings(eager_threshold=0.75),
        lambda: TurnSettings(min_silence_ms=2600),
    ]
    for make in wrong:
        with pytest.raises(InvalidMessage):
            make()


def test_unknown_fields_are_refused_by_the_server_and_skipped_by_the_client() -> None:
    with pytest.raises(Exception, match="unknown"):
        decode_client('{"type":"start","colour":1}')
    assert decode_event('{"type":"weather","seq":1}') is None
    assert decode_event('{"type":"settled","seq":1,"audio_time":1,"settled":1,"colour":1}') is not None


def test_defaults_that_older_servers_do_not_know_are_left_out() -> None:
    said = json.loads(encode_client(Start()))
    assert not {"refine", "offline"} & set(said)


def test_numbers_of_the_prose_are_those_of_the_server() -> None:
    config = ServerConfig()
    assert f"({config.retry_after_seconds} unless `AURICLE_RETRY_AFTER_SECONDS` is set)" in PAGE
    assert f"keeps it for {config.resume_seconds:g} seconds" in PAGE
    assert f"did not read for {config.stall_seconds:g} seconds" in PAGE
    assert config.limits.message_bytes == 1 << 20
    closes = {str(row.close_code) for row in CODES.values() if row.close_code is not None}
    (named,) = re.findall(r"^\| ([\d, ]+) \| After a fatal", PAGE, re.MULTILINE)
    assert set(named.split(", ")) == closes


# --- a server over a socket ------------------------------------------------------------------------------------------

START = {"type": "start"}
WRONG: list[tuple[str, list[Any]]] = [
    ("invalid_field", [{**START, "colour": 1}]),
    ("invalid_field", [{**START, "words": None}]),
    ("invalid_field", [{**START, "sample_rate": 16000.0}]),
    ("invalid_field", [{**START, "offline": True, "latency_ms": 80}]),
    ("unsupported_version", [{**START, "version": 2}]),
    ("unsupported_latency", [{**START, "latency_ms": 7}]),
    ("unsupported_language", [{**START, "language": "xx"}]),
    ("unknown_model", [{**START, "model": "none"}]),
    ("unknown_message", [{"type": "weather"}]),
    ("bad_json", [[]]),
    ("not_started", [{"type": "end"}]),
    ("not_started", [b"00"]),
    ("already_started", [START, START]),
    ("bad_audio", [START, b"0"]),
    ("message_too_big", [START, bytes((1 << 20) + 2)]),
]


@pytest.mark.parametrize(("code", "sent"), WRONG, ids=[f"{code}-{index}" for index, (code, _) in enumerate(WRONG)])
async def test_a_wrong_message_gets_its_code_and_its_close(code: str, sent: list[Any], tones_server: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{tones_server}/v1/stream") as socket:
        for message in sent:
            await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_json(message))
        events = [json.loads(message.data) async for message in socket]
        assert (events[-1]["type"], events[-1]["code"], events[-1]["fatal"]) == ("error", code, True)
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert socket.close_code == CODES[code].close_code


async def test_an_update_that_cannot_be_followed_changes_nothing(tones_server: str) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{tones_server}/v1/stream") as socket:
        for message in (START, {"type": "update", "latency_ms": 7}, {"type": "finalize", "id": "a"}):
            await socket.send_json(message)
        events = [await socket.receive_json() for _ in range(3)]
        assert (events[1]["code"], events[1]["fatal"]) == ("unsupported_latency", False)
        assert (events[2]["type"], events[2]["text"], events[2]["finalize_id"]) == ("final", "", "a")


async def test_a_broken_connection_resumes_where_it_was(tones_server: str) -> None:
    url, pcm = f"{tones_server}/v1/stream", tones.utterance(5, 6)[0].tobytes()
    half = len(pcm) // 4 * 2
    async with aiohttp.ClientSession() as http:
        socket = await http.ws_connect(url)
        await socket.send_json(START)
        ready = await socket.receive_json()
        await socket.send_bytes(pcm[:half])
        await socket.send_json({"type": "finalize", "id": "a"})
        while (final := await socket.receive_json()).get("finalize_id") != "a":
            pass
        connection = socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()  # without a close frame
        headers = {"Auricle-Resume": f"{ready['resume_token']} {final['seq'] - 1}"}
        async with http.ws_connect(url, headers=headers) as again:
            await again.send_json(START)
            answer = await again.receive_json()
            assert answer["held"] == {"samples": half // 2, "messages": 1}
            assert await again.receive_json() == final
            await again.send_json({"type": "end"})


async def test_answers_before_the_upgrade(tones_server: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"http{tones_server[2:]}/v1/stream") as answer:
        assert answer.status == 426
        assert (await answer.json())["code"] == "upgrade_required"
