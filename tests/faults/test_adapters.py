"""Bad networks between an adapter and its server: what the framework is told has every word once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

import numpy as np
import pytest
from pipecat.frames.frames import EndFrame, TranscriptionFrame

from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from pipecat_auricle import AuricleSTTService, TurnDetection
from tests.faults.conversation import EAGER_TO_RETURN, RATE
from tests.faults.proxy import Passage, Proxy
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import Tap, pcm_frames, running

FIRST, FIRST_TEXT = tones.utterance(21, 6, trailing=1.0)
SECOND, SECOND_TEXT = tones.utterance(22, 6, trailing=1.0)
TEXT = f"{FIRST_TEXT} {SECOND_TEXT}"
AUDIO = np.concatenate([FIRST, SECOND])
ANSWER_TIMEOUT = 2.0
"""Seconds; a server on a busy machine must not be taken for a silent one."""

Fault = Callable[[Passage], None]
FAULTS: dict[str, Fault] = {
    "cut": lambda passage: passage.cut(),
    "stall": lambda passage: passage.stall(),
    "deaf": lambda passage: passage.stall(down=False),
    "mute": lambda passage: passage.stall(up=False),
}


@pytest.fixture
async def server() -> AsyncIterator[str]:
    engine = Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=2, device="cpu", threads=1)
    async with serve_locally(ServerConfig(max_load=0), engine=engine) as url:
        yield url


class Once:
    """Has a fault happen on the first connection when it has passed so many bytes of audio."""

    def __init__(self, fault: Fault, after: int) -> None:
        self.happened = False
        self._fault = fault
        self._after = after

    def __call__(self, passage: Passage) -> None:
        if not self.happened and passage.up.passed > self._after:
            self.happened = True
            self._fault(passage)


def service(url: str, turns: TurnDetection) -> AuricleSTTService:
    return AuricleSTTService(
        url=url,
        turn_detection=turns,
        settings=AuricleSTTService.Settings(latency_ms=80, silence_ms=700),
        reconnect=EAGER_TO_RETURN,
        answer_timeout=ANSWER_TIMEOUT,
    )


def says(text: str, frame: TranscriptionFrame) -> bool:
    return frame.text == text


async def heard_by_pipecat(stt: AuricleSTTService, turns: TurnDetection) -> str:
    """What a pipeline is told of two utterances, with its own voice detection after each when that decides."""
    tap = Tap.downstream()
    async with running(stt, tap) as agent:
        for utterance in (FIRST, SECOND):
            await agent.send(*pcm_frames(utterance))
            if turns == "vad":
                await agent.vad(speaking=True)
                await agent.vad(speaking=False)
        if turns == "vad":
            for text in (FIRST_TEXT, SECOND_TEXT):
                await tap.wait_for(TranscriptionFrame, partial(says, text))
        await agent.send(EndFrame())
        await tap.wait_for(EndFrame)
    return " ".join(frame.text for frame in tap.frames if isinstance(frame, TranscriptionFrame))


@pytest.mark.parametrize("turns", ["vad", "server"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("fault", FAULTS)
async def test_pipecat_is_told_every_word_once(server: str, fault: str, share: float, turns: TurnDetection) -> None:
    async with Proxy(server, piece=2_000).running() as proxy:
        proxy.on_bytes = once = Once(FAULTS[fault], round(share * 2 * len(AUDIO)))
        assert await heard_by_pipecat(service(proxy.url, turns), turns) == TEXT
    assert once.happened
    assert proxy.opened == 2


@pytest.mark.parametrize("turns", ["vad", "server"])
async def test_pipecat_is_told_every_word_over_a_slow_network(server: str, turns: TurnDetection) -> None:
    async with Proxy(server, bytes_per_second=12 * 2 * RATE, piece=177).running() as proxy:
        assert await heard_by_pipecat(service(proxy.url, turns), turns) == TEXT
    assert proxy.opened == 1


@pytest.mark.parametrize("turns", ["vad", "server"])
@pytest.mark.parametrize("overtaken", [1, 300])
async def test_pipecat_is_told_the_last_words_though_the_close_overtakes_them(
    server: str, turns: TurnDetection, overtaken: int
) -> None:
    def withhold(passage: Passage) -> None:
        passage.down.overtaken = overtaken

    async with Proxy(server).running() as proxy:
        proxy.on_bytes = Once(withhold, 2 * len(AUDIO) - 4_000)
        assert await heard_by_pipecat(service(proxy.url, turns), turns) == TEXT
    assert proxy.opened == 2
