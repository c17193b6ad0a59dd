"""Models that have the known ills, on a whole server: each cure heals its ill, at every latency, and off means off."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from auricle.client import connect
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, TurnEnd
from auricle.protocol.settings import TurnMode, TurnSettings
from auricle.stream import Stream
from auricle_server.config import ServerConfig
from auricle_server.gateway.audio import audio_turn_signals
from auricle_server.serving.in_process_server import serve_locally
from tests.support.ills import scenarios
from tests.support.ills.scenarios import BABBLER, COLD, DEAF, STICKY, Scenario

LATENCIES = (80, 160, 560, 1120)
PACKET = 1280
HASTE = 3.0
"""Times the speed of speech. The watch looks at what the decoder has found so far: audio may not be far ahead of it."""
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """How busy this machine is must not decide whether a result waits for voice detection."""
    monkeypatch.setattr(audio_turn_signals, "LATE_SECONDS", 60.0)


class Heard:
    """What came of a scenario."""

    def __init__(self) -> None:
        self.finals: list[Final] = []
        self.turns: list[TurnEnd] = []

    @property
    def words(self) -> list[str]:
        return [word.text.strip(".") for final in self.finals for word in final.words]


async def hear(model: Path, scenario: Scenario, cures: str, latency_ms: int, **start: Any) -> Heard:
    """One live stream through a server of its own."""
    heard = Heard()
    config = ServerConfig(model=str(model), cures=cures, slots=2, max_load=0.0)
    asked = Start(**{"latency_ms": latency_ms, "turn": TurnSettings(mode="silence", silence_ms=960), **start})
    async with serve_locally(config) as url, connect(url, start=asked) as stream:
        sending = asyncio.create_task(send(stream, scenario))
        async for event in stream:
            if isinstance(event, Final):
                heard.finals.append(event)
            elif isinstance(event, TurnEnd):
                heard.turns.append(event)
        await sending
    return heard


async def send(stream: Stream, scenario: Scenario) -> None:
    for begin in range(0, len(scenario.audio), PACKET):
        await stream.send(scenario.audio[begin : begin + PACKET].tobytes())
        await asyncio.sleep(PACKET / 16_000 / HASTE)
    await stream.end()


@pytest.mark.parametrize("latency_ms", LATENCIES)
async def test_a_warm_up_brings_the_first_word(latency_ms: int) -> None:
    scenario = scenarios.cold_start()
    assert (await hear(COLD, scenario, "off", latency_ms)).words == scenario.words[1:]
    healed = await hear(COLD, scenario, "warm-up", latency_ms)
    assert healed.words == scenario.words
    assert healed.finals[0].words[0].start < 0.7


@pytest.mark.parametrize(("latency_ms", "refine"), [*((each, "off") for each in LATENCIES), (160, "on")])
async def test_a_refresh_brings_the_words_after_a_long_silence(latency_ms: int, refine: str) -> None:
    scenario = scenarios.long_silence(9.0)
    assert (await hear(DEAF, scenario, "off", latency_ms, refine=refine)).words == scenario.words[:3]
    healed = await hear(DEAF, scenario, "refresh=5", latency_ms, refine=refine)
    assert healed.words == scenario.words
    assert in_place(healed, scenario)


@pytest.mark.parametrize(
    ("latency_ms", "turn"), [*((each, "silence") for each in LATENCIES), (160, "semantic"), (160, "off")]
)
async def test_a_watch_brings_the_words_of_speech_that_was_not_heard(latency_ms: int, turn: TurnMode) -> None:
    scenario, mode = scenarios.unheard_speech(gap=4.5), TurnSettings(mode=turn)
    assert (await hear(DEAF, scenario, "off", latency_ms, turn=mode)).words == scenario.words[:3]
    healed = await hear(DEAF, scenario, "watch=1.5,voice", latency_ms, turn=mode)
    assert healed.words == scenario.words
    assert in_place(healed, scenario)


@pytest.mark.parametrize("latency_ms", LATENCIES)
async def test_a_watch_brings_every_isolated_word(latency_ms: int) -> None:
    scenario = scenarios.isolated_words(gap=2.6)
    assert (await hear(STICKY, scenario, "off", latency_ms)).words == scenario.words[:1]
    healed = await hear(STICKY, scenario, "watch,voice", latency_ms)
    assert healed.words == scenario.words
    assert in_place(healed, scenario)


@pytest.mark.parametrize(("latency_ms", "refine"), [*((each, "off") for each in LATENCIES), (160, "on")])
async def test_words_in_breaths_are_held_back_and_all_others_come(latency_ms: int, refine: str) -> None:
    scenario = scenarios.noise()
    ill = await hear(BABBLER, scenario, "off", latency_ms, refine=refine)
    assert len(ill.words) > len(scenario.words)
    healed = await hear(BABBLER, scenario, "hold-back=0.5:0.5,voice", latency_ms, refine=refine)
    assert healed.words == scenario.words
    assert len(healed.turns) < len(ill.turns)


def in_place(heard: Heard, scenario: Scenario) -> bool:
    """Whether each word has the time at which it was said, within the delay of a decoder."""
    times = [word.start for final in heard.finals for word in final.words]
    return all(abs(time - said.start) < 1.0 for time, said in zip(times, scenario.said, strict=True))
