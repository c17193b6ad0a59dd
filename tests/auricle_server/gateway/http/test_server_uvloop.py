"""Gateways run on uvloop where it is installed, and its transports are not asyncio's: the hard ends of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_server.gateway import test_faults
from tests.auricle_server.gateway.http import test_websocket_bad_input
from tests.auricle_server.ipc import test_zeromq
from tests.auricle_server.raw_client import connected_client
from tests.support import tones

uvloop = pytest.importorskip("uvloop")


def run(scenario: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario)


@pytest.mark.parametrize("name", test_websocket_bad_input.FATAL)
def test_what_ends_the_stream(engine: Engine, name: str) -> None:
    async def scenario() -> None:
        async with serve_locally(ServerConfig(max_load=0), engine=engine) as url:
            await test_websocket_bad_input.test_what_ends_the_stream(url, name)

    run(scenario())


def test_a_client_that_vanishes_gives_its_slot_back(engine: Engine) -> None:
    async def scenario() -> None:
        async with serve_locally(ServerConfig(max_load=0), engine=engine) as url:
            await test_websocket_bad_input.test_a_client_that_vanishes_in_mid_word_gives_its_slot_back(url)

    run(scenario())
    assert engine.slots_used == 0


def test_a_client_that_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    run(test_faults.test_a_client_that_never_reads_is_read_no_further_and_cut_off(monkeypatch))


def test_a_shutdown_finalises_what_is_open() -> None:
    run(test_faults.test_a_shutdown_finalises_what_is_open_and_refuses_what_is_new())


def test_a_worker_that_goes_and_its_successor(tmp_path: Path) -> None:
    run(test_faults.test_a_worker_that_goes_closes_its_streams_and_its_successor_serves())
    run(test_zeromq.test_a_successor_answers_over_the_same_link(tmp_path))


def test_speech_becomes_text(engine: Engine) -> None:
    async def scenario() -> None:
        audio, text = tones.utterance(11, 8)
        async with serve_locally(ServerConfig(max_load=0), engine=engine) as url, connected_client(url) as client:
            await client.start(latency_ms=80)
            await client.send_audio(audio)
            await client.end()
            assert (client.text, client.close_code) == (text, 1000)

    run(scenario())
