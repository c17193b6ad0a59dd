"""A real server says that a voice was heard, is over, and has no words: with the sound of people's words.

The model is deaf after words and a long silence, so it has no words for a second phrase that voice detection hears.
"""

from __future__ import annotations

import asyncio

import pytest

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, NoWords, ServerEvent, TurnEnd
from auricle.protocol.settings import TurnSettings
from auricle_server.config import ServerConfig
from auricle_server.gateway.audio import audio_turn_signals
from auricle_server.serving.in_process_server import serve_locally
from auricle_server.voice.models import find_models
from tests.support.ills import scenarios
from tests.support.ills.scenarios import DEAF, Scenario

PACKET = 2560
HASTE = 16.0
"""Times the speed of speech."""
WATCHED_HASTE = 3.0
"""The same for a watch, which looks at what the decoder has found so far: audio may not be far ahead of it."""
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def voice(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_models()
    if "voice" not in found.signals:
        pytest.skip(found.missing)
    monkeypatch.setattr(audio_turn_signals, "LATE_SECONDS", 60.0)  # how busy this machine is must not decide


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return scenarios.unheard_speech(gap=4.5)


async def hear(
    scenario: Scenario, turn: TurnSettings, cures: str = "off", finalize_at: float | None = None
) -> list[ServerEvent]:
    """The events of one stream through a server of its own."""
    haste = HASTE if cures == "off" else WATCHED_HASTE
    config = ServerConfig(model=str(DEAF), cures=cures, slots=2, max_load=0.0)
    async with serve_locally(config) as url, auricle.connect(url, start=Start(latency_ms=160, turn=turn)) as stream:

        async def send() -> None:
            for begin in range(0, len(scenario.audio), PACKET):
                await stream.send(scenario.audio[begin : begin + PACKET].tobytes())
                if finalize_at is not None and 0 <= begin / 16_000 - finalize_at < PACKET / 16_000:
                    await stream.finalize("f")
                await asyncio.sleep(PACKET / 16_000 / haste)
            await stream.end()

        sending = asyncio.create_task(send())
        events: list[ServerEvent] = [event async for event in stream if isinstance(event, ServerEvent)]
        await sending
    return events


def verdicts(events: list[ServerEvent]) -> list[NoWords]:
    return [event for event in events if isinstance(event, NoWords)]


@pytest.mark.parametrize(
    "turn",
    [TurnSettings("semantic"), TurnSettings("silence", no_words=True), TurnSettings("off", no_words=True)],
    ids=["semantic", "silence", "off"],
)
async def test_a_voice_without_words_is_reported_soon_after_it_is_over(scenario: Scenario, turn: TurnSettings) -> None:
    events = await hear(scenario, turn)
    found = verdicts(events)
    unheard = scenario.said[3:]
    assert 1 <= len(found) <= len(unheard)
    assert all(unheard[0].start - 0.3 <= each.start < each.end <= unheard[-1].end + 0.5 for each in found)
    assert abs(found[0].start - unheard[0].start) < 0.3
    assert abs(found[-1].end - unheard[-1].end) < 0.5
    assert all(0 <= each.audio_time - each.end < 1.0 for each in found)
    assert [event.audio_time for event in events] == sorted(event.audio_time for event in events)


async def test_without_the_setting_a_stream_without_sound_says_nothing(scenario: Scenario) -> None:
    assert verdicts(await hear(scenario, TurnSettings("silence"))) == []


async def test_a_finalize_brings_the_verdict_at_once(scenario: Scenario) -> None:
    end = scenario.said[-1].end
    events = await hear(scenario, TurnSettings("off", no_words=True), finalize_at=end + 0.2)
    answer = next(event for event in events if isinstance(event, Final) and event.finalize_id == "f")
    last = verdicts(events)[-1]
    assert 0 <= last.audio_time - answer.audio_time < 0.4


async def test_words_that_a_watch_brings_are_words(scenario: Scenario) -> None:
    events = await hear(scenario, TurnSettings("silence"), cures="watch=1.5,voice")
    text = " ".join(event.text for event in events if isinstance(event, TurnEnd))
    assert [word.strip(".") for word in text.split()] == scenario.words
    assert verdicts(events) == []


async def test_words_and_silence_are_never_reported(scenario: Scenario) -> None:
    heard = scenarios.long_silence(2.0)
    events = await hear(heard, TurnSettings("silence", no_words=True))
    assert [word.text.strip(".") for each in events if isinstance(each, Final) for word in each.words] == heard.words
    assert verdicts(events) == []
