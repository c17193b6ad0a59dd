"""What `docs/protocol.md` says of version 1 is what both ends do."""

from __future__ import annotations

import json
import re
from typing import Any

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
    closes = {str(row.close_code) for code, row in CODES.items() if code != "unwritable_keyterms"}
    (named,) = re.findall(r"^\| ([\d, ]+) \| After a fatal", PAGE, re.MULTILINE)
    assert set(named.split(", ")) == closes
