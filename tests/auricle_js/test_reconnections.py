"""Cut connections, lost servers and silent ones before the JavaScript client."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import soundfile

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_js.controls import controls
from tests.faults.conversation import RATE, conversation
from tests.faults.proxy import Passage, Proxy
from tests.support import tones
from tests.support.browser.node import NEEDS_NODE, run_suite

pytestmark = [NEEDS_NODE, pytest.mark.slow, pytest.mark.timeout(240)]

SPEED = 8.0
"""Times the speed of speech; a busy machine keeps up with it."""
SECONDS, CUTS = 20.0, 8


class Network:
    """A proxy before a server, and what a suite does with it."""

    def __init__(self, first: Proxy, seconds: float) -> None:
        self.first = first
        self._between = seconds * RATE * 2 / CUTS
        self._random = random.Random(7)
        self._bounds: dict[Passage, float] = {}
        self.cuts_left = 0

    def cut_at_random(self) -> None:
        self.cuts_left = CUTS
        self._bounds.clear()
        self.first.on_bytes = self._on_bytes

    def _on_bytes(self, passage: Passage) -> None:
        bound = self._bounds.setdefault(passage, self._random.uniform(400, 1.4 * self._between))
        if self.cuts_left and passage.up.passed + passage.down.passed > bound:
            self.cuts_left -= 1
            passage.cut()

    def lose_first(self) -> None:
        self.first.refusing = True
        self.first.cut()

    def find_first(self) -> None:
        self.first.refusing = False

    def go_on(self) -> None:
        for passage in self.first.passages:
            passage.up.open.set()


async def test_conversations_that_are_cut(auricle_url: str, tmp_path: Path) -> None:
    said = conversation(SECONDS, seed=3)
    soundfile.write(tmp_path / "said.wav", said.audio, RATE)
    async with Proxy(auricle_url).running() as proxy:
        network = Network(proxy, said.seconds)
        named = {"cut_at_random": network.cut_at_random, "cuts_left": lambda: network.cuts_left}
        async with controls(named) as address:
            await run_suite(
                Path(__file__).with_name("cuts.test.mjs"),
                seconds=200,
                URLS=[auricle_url, proxy.url],
                CONTROL=address,
                CLIP=str(tmp_path / "said.wav"),
                CASES={"SPEED": SPEED, "wanted": said.wanted},
            )


async def test_servers_that_are_lost(tmp_path: Path) -> None:
    audio, text = tones.utterance(5, 14, trailing=1.0)
    soundfile.write(tmp_path / "said.wav", audio, RATE)
    few, model = ServerConfig(max_load=0, slots=8), str(tones.CHECKPOINT)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(serve_locally(few, model=model))
        second = await stack.enter_async_context(serve_locally(few, model=model))
        proxy = await stack.enter_async_context(Proxy(first).running())
        network = Network(proxy, 1)
        named = {
            "lose_first": network.lose_first,
            "find_first": network.find_first,
            "stall_first": lambda: proxy.stall(up=False),
            "stall_first_up": lambda: proxy.stall(down=False),
            "go_on_first": network.go_on,
        }
        address = await stack.enter_async_context(controls(named))
        await run_suite(
            Path(__file__).with_name("lost.test.mjs"),
            seconds=200,
            URLS=[proxy.url, second],
            CONTROL=address,
            CLIP=str(tmp_path / "said.wav"),
            CASES={"text": text},
        )
