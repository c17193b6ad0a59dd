"""Small trained models have the ills that are reported of the published ones, and lose them with the engine's cures.

The tests without cures also show that the model hears the same words well when the cause is absent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.cures import OFF, Cures
from auricle_server.engine import Engine
from auricle_server.voice.models import find_models
from tests.support.ills import scenarios
from tests.support.ills.listening import Word, listen, spoken, voice, without_marks
from tests.support.ills.scenarios import BABBLER, COLD, DEAF, STICKY, Scenario
from tests.support.ills.words import SAMPLE_RATE

LATENCIES = (80, 160, 560, 1120)
Hear = Callable[[Scenario, int], list[Word]]


def cured(checkpoint: Path, cures: Cures) -> Engine:
    return Engine(load_checkpoint(str(checkpoint)), slots=2, device="cpu", threads=1, cures=cures)


def hearing(checkpoint: Path, cures: Cures = OFF) -> Hear:
    engine = cured(checkpoint, cures)
    assert engine.info.latencies_ms == LATENCIES
    return lambda scenario, latency_ms: listen(engine, scenario.audio, latency_ms)


@pytest.fixture(scope="module")
def cold() -> Hear:
    return hearing(COLD)


@pytest.fixture(scope="module")
def deaf() -> Hear:
    return hearing(DEAF)


@pytest.fixture(scope="module")
def sticky() -> Hear:
    return hearing(STICKY)


@pytest.fixture(scope="module")
def babbler() -> Hear:
    return hearing(BABBLER)


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_the_first_word_of_speech_without_silence_before_it_is_lost(cold: Hear, latency_ms: int) -> None:
    scenario = scenarios.cold_start()
    assert spoken(cold(scenario, latency_ms)) == scenario.words[1:]
    assert spoken(cold(scenario.preceded_by(scenarios.WARM_UP), latency_ms)) == scenario.words


@pytest.mark.parametrize("seconds", [4.5, 8.0, 15.0])
@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_words_after_a_long_silence_are_lost(deaf: Hear, latency_ms: int, seconds: float) -> None:
    scenario = scenarios.long_silence(seconds)
    assert spoken(deaf(scenario, latency_ms)) == scenario.words[:3]
    fresh = scenario.from_second(scenario.said[3].start - 2)
    assert spoken(deaf(fresh, latency_ms)) == scenario.words[3:]


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_words_after_a_short_silence_are_heard(deaf: Hear, latency_ms: int) -> None:
    scenario = scenarios.long_silence(2.0)
    assert spoken(deaf(scenario, latency_ms)) == scenario.words


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_isolated_words_after_a_mark_are_lost(sticky: Hear, latency_ms: int) -> None:
    scenario = scenarios.isolated_words()
    assert [word.text for word in sticky(scenario, latency_ms)] == [scenario.words[0], "."]
    for said in scenario.said[1:]:
        fresh = sticky(scenario.from_second(said.start - 1.8), latency_ms)
        assert [word.text for word in fresh] == [said.text, "."]


@pytest.mark.parametrize("latency_ms", LATENCIES)
@pytest.mark.parametrize(("model", "gap"), [("sticky", 1.6), ("deaf", 4.5)])
def test_seconds_of_speech_bring_no_word(
    request: pytest.FixtureRequest, model: str, gap: float, latency_ms: int
) -> None:
    hear: Hear = request.getfixturevalue(model)
    scenario = scenarios.unheard_speech(gap)
    assert scenario.said[-1].end - scenario.said[3].start > 4
    assert spoken(hear(scenario, latency_ms)) == scenario.words[:3]
    fresh = scenario.from_second(scenario.said[3].start - 1)
    assert spoken(hear(fresh, latency_ms)) == scenario.words[3:]


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_breaths_become_words_of_which_the_model_is_unsure(babbler: Hear, latency_ms: int) -> None:
    scenario = scenarios.noise()
    found = without_marks(babbler(scenario, latency_ms))
    sure = [word for word in found if word.confidence > 0.7]
    assert [word.text for word in sure] == scenario.words
    invented = [word for word in found if word not in sure]
    breaths = [said for said in scenario.said if not said.text]
    assert len(invented) == len(breaths)
    assert all(word.confidence < 0.3 for word in invented)


def test_silero_finds_voice_in_words_and_none_in_breaths() -> None:
    if missing := find_models().missing:
        pytest.skip(f"{missing}: pip install '.[turns,pipecat]'")
    scenario = scenarios.noise()
    for said in scenario.said:
        probability = voice(scenario.audio, said.start, said.end)
        assert probability > 0.9 if said.text else probability < 0.3


def assert_heard(found: list[Word], scenario: Scenario) -> None:
    """Every word, and each within half a second of its end: a cure shifts no time."""
    heard = without_marks(found)
    assert [word.text for word in heard] == scenario.words
    for word, said in zip(heard, scenario.said, strict=True):
        assert said.start < word.last < said.end + 0.5


def test_a_warm_up_brings_back_the_first_word() -> None:
    hear, scenario = hearing(COLD, Cures(warm_up_seconds=scenarios.WARM_UP)), scenarios.cold_start()
    for latency_ms in LATENCIES:
        assert_heard(hear(scenario, latency_ms), scenario)


@pytest.mark.parametrize("warm_up", [0.0, scenarios.WARM_UP])
@pytest.mark.parametrize(
    ("checkpoint", "scenario"),
    [
        (DEAF, scenarios.long_silence(8.0)),
        (DEAF, scenarios.long_silence(15.0)),
        (STICKY, scenarios.isolated_words(8.0)),
    ],
    ids=["deaf-8", "deaf-15", "sticky"],
)
def test_a_refresh_brings_back_words_after_silence_and_after_a_mark(
    checkpoint: Path, scenario: Scenario, warm_up: float
) -> None:
    hear = hearing(checkpoint, Cures(warm_up_seconds=warm_up, refresh_seconds=5))
    for latency_ms in LATENCIES:
        assert_heard(hear(scenario, latency_ms), scenario)


@pytest.mark.parametrize(("checkpoint", "gap"), [(STICKY, 1.6), (DEAF, 4.5)], ids=["sticky", "deaf"])
def test_speech_that_is_decoded_again_brings_its_words(checkpoint: Path, gap: float) -> None:
    """As a watch does that has heard two seconds of speech and no word."""
    engine, scenario = cured(checkpoint, Cures(watch_seconds=2)), scenarios.unheard_speech(gap)
    begin = round(scenario.said[3].start * SAMPLE_RATE)
    for latency_ms in LATENCIES:
        again = begin + 2 * SAMPLE_RATE, begin - SAMPLE_RATE // 5
        assert_heard(listen(engine, scenario.audio, latency_ms, again), scenario)
