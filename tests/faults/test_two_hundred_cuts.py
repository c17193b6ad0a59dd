"""200 cut connections at random moments over ten minutes of conversation: not a word is lost, doubled or changed."""

from __future__ import annotations

import random

import pytest

from auricle import TurnSettings, connect
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.faults.conversation import EAGER_TO_RETURN, Conversation, Heard, conversation, speak, start_of
from tests.faults.proxy import Passage, Proxy

SPEED = 20.0
"""Times the speed of speech; everything here that takes time follows from it."""
ASKED, TURNS = TurnSettings("off"), TurnSettings("silence", 400, 200)


async def hear(url: str, said: Conversation, turn: TurnSettings, latency_ms: int) -> Heard:
    async with connect(url, start=start_of(turn, latency_ms), reconnect=EAGER_TO_RETURN) as stream:
        return await speak(stream, said, SPEED, ask=turn is ASKED)


class Cutter:
    """Cuts a passage when it has passed as many bytes as the dice said, up to `cuts` times."""

    def __init__(self, said: Conversation, cuts: int) -> None:
        self.left = cuts
        self._random = random.Random(cuts)
        self._between = len(said.audio) * 2 / cuts
        self._bounds: dict[Passage, float] = {}

    def __call__(self, passage: Passage) -> None:
        # On average cuts come a little early, so that all fall into the conversation.
        bound = self._bounds.setdefault(passage, self._random.uniform(200, 1.6 * self._between))
        if self.left and passage.up.passed + passage.down.passed > bound:
            self.left -= 1
            passage.cut()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "cuts", "turn", "latency_ms"),
    [(600.0, 200, ASKED, 160), (60.0, 20, TURNS, 80), (60.0, 20, ASKED, 560)],
)
async def test_the_joined_finals_equal_those_of_the_unbroken_run(
    seconds: float, cuts: int, turn: TurnSettings, latency_ms: int
) -> None:
    said = conversation(seconds, seed=2)
    async with serve_locally(ServerConfig(max_load=0)) as url, Proxy(url).running() as proxy:
        whole = await hear(url, said, turn, latency_ms)
        proxy.on_bytes = cutter = Cutter(said, cuts)
        cut = await hear(proxy.url, said, turn, latency_ms)
    assert cutter.left == 0
    assert proxy.opened > cuts
    assert len(whole.finals) > seconds / 15
    assert len(cut.returns) > 0.8 * cuts  # some cuts fall into the opening of the connection after the last one
    assert all(back.resumed for back in cut.returns)
    assert cut.text == whole.text
    assert cut.finals == whole.finals
    assert cut.turns == whole.turns
    assert cut.answers == whole.answers
