"""Refusals, tokens and limits of real servers before the JavaScript client."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from auricle_server.config import DEFAULT_LIMITS, ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_js.controls import controls
from tests.support import tones
from tests.support.browser.node import NEEDS_NODE, run_suite

pytestmark = [NEEDS_NODE, pytest.mark.slow, pytest.mark.timeout(200)]

KEY = "key-0123456789-0123456789-0123456789"


async def test_who_is_refused_hears_why(tmp_path: Path) -> None:
    audio, text = tones.utterance(5, 14, trailing=1.0)
    soundfile.write(tmp_path / "said.wav", audio, tones.SAMPLE_RATE)
    model = str(tones.CHECKPOINT)
    limits = replace(DEFAULT_LIMITS, idle_seconds=2.0)
    keyed = ServerConfig(max_load=0, api_keys=(KEY,), limits=limits)
    small = ServerConfig(max_load=0, slots=1, retry_after_seconds=1)
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serve_locally(config, model=model)) for config in (keyed, small)]
        silent = await stack.enter_async_context(await asyncio.start_server(keep_quiet, "127.0.0.1", 0))
        address = f"ws://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        control = await stack.enter_async_context(controls({"silent": lambda: {"url": address}}))
        await run_suite(
            Path(__file__).with_name("limits.test.mjs"),
            seconds=150,
            URLS=urls,
            CONTROL=control,
            KEY=KEY,
            CLIP=str(tmp_path / "said.wav"),
            CASES={"text": text},
        )


async def keep_quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while await reader.read(1 << 12):
            pass
    writer.close()
