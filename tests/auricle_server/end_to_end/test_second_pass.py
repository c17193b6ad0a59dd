"""Refined finals: the real worker and engine, news of both lanes arriving in any rhythm, no word lost or doubled."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim, ServerEvent, SpeechStarted, TurnEnd
from auricle.protocol.settings import Refine, TurnSettings
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from tests.support import tones
from tests.support.engine.calls import Call, Exchange

SEEDS = range(3)
OFF = TurnSettings(mode="off")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=4, device="cpu", threads=1)


@dataclass
class Script:
    """What one speaker says, cut into pieces by chance, and what the client wants in between.

    Attributes:
        pieces: Audio and, behind it, whether a finalize comes.
        wishes: Changes of `refine`, by the number of the piece that they come before.
        text: All that is said.
    """

    seed: int
    utterances: int = 4
    trailing: tuple[float, ...] = (0.1, 0.3, 1.5)
    finalizes: float = 0.0
    wishes: dict[int, Refine] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        self.pieces: list[tuple[tones.Pcm, bool]] = []
        self.ends: list[int] = []
        texts = []
        for number in range(self.utterances):
            audio, text = tones.utterance(10 * self.seed + number, rng.randint(1, 6), rng.choice(self.trailing))
            texts.append(text)
            at = 0
            while at < len(audio):
                size = rng.randint(200, 20_000)
                self.pieces.append((audio[at : at + size], rng.random() < self.finalizes))
                at += size
            self.ends.append(len(self.pieces))
        self.text = " ".join(texts)

    def play(self, engine: Engine, start: Start, *, hurried: bool = False) -> Call:
        """Said to the end."""
        call = Call(Exchange(engine), 1, start, None if hurried else random.Random(self.seed))
        for number, (audio, finalize) in enumerate(self.pieces):
            if wish := self.wishes.get(number):
                call.update(wish)
                call.go_on()
            call.hear(audio)
            call.go_on()
            if finalize:
                call.finalize(str(number))
                call.go_on()
        call.finish()
        assert engine.slots_used == 0
        return call


def without_refinement(finals: list[Final]) -> list[tuple[str | None, str, list[str]]]:
    return [(final.finalize_id, final.text, [word.text for word in final.words]) for final in finals]


def letters(call: Call) -> str:
    """The model may go on with a word after a long silence; then the border falls inside the word."""
    return call.text.replace(" ", "")


def ends(events: Sequence[ServerEvent]) -> list[tuple[float, float]]:
    return [(event.audio_time, event.speech_end) for event in events if isinstance(event, TurnEnd)]


@pytest.mark.parametrize("seed", SEEDS)
def test_finals_are_those_of_the_longest_latency_finalized_at_the_same_points(engine: Engine, seed: int) -> None:
    script = Script(seed, finalizes=0.3)
    refined = script.play(engine, Start(latency_ms=80, turn=OFF, refine="on"))
    longest = script.play(engine, Start(latency_ms=1120, turn=OFF))
    assert without_refinement(refined.finals) == without_refinement(longest.finals)
    assert all(final.refined for final in refined.finals)
    assert not any(final.refined for final in longest.finals)


@pytest.mark.parametrize("silence_ms", [160, 500])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_servers_cuts_lose_and_double_nothing(engine: Engine, seed: int, silence_ms: int) -> None:
    script = Script(seed)
    turn = TurnSettings(mode="silence", silence_ms=silence_ms)
    refined = script.play(engine, Start(latency_ms=80, turn=turn, refine="on"))
    assert letters(refined) == letters(script.play(engine, Start(latency_ms=1120, turn=OFF)))
    assert all(final.refined for final in refined.finals)


@pytest.mark.parametrize("seed", SEEDS)
def test_turns_start_and_end_where_they_do_without_a_second_lane(engine: Engine, seed: int) -> None:
    script = Script(seed)
    calls = [script.play(engine, Start(latency_ms=80, refine=refine)) for refine in ("on", "off")]
    with_lane, without = ([event for event in call.events if not isinstance(event, Final)] for call in calls)
    assert ends(with_lane) == ends(without) != []
    assert [type(event) for event in with_lane] == [type(event) for event in without]
    assert [e for e in with_lane if isinstance(e, Interim | SpeechStarted)] == [
        e for e in without if isinstance(e, Interim | SpeechStarted)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_events_come_in_their_order(engine: Engine, seed: int) -> None:
    events = Script(seed, finalizes=0.2).play(engine, Start(latency_ms=80, refine="on")).events
    times = [event.audio_time for event in events]
    assert times == sorted(times)
    said: list[str] = []
    for event in events:
        if isinstance(event, Final):
            said += [event.text] * bool(event.text)
        elif isinstance(event, TurnEnd):
            assert event.text == " ".join(said)
            said = []
    assert said == []


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5])
def test_a_lane_that_comes_and_goes_in_mid_stream_loses_and_doubles_nothing(engine: Engine, seed: int) -> None:
    script = Script(100 + seed, utterances=7, trailing=(1.0, 2.5))
    rng = random.Random(seed)
    first, _, third = script.ends[0], script.ends[1], script.ends[4]
    script.wishes = {first + rng.randint(-1, 1): "on", third + rng.randint(-2, 0): "off"}
    script.wishes[min(len(script.pieces) - 1, third + rng.randint(1, 4))] = rng.choice(("on", "auto"))
    low, longest = (script.play(engine, Start(latency_ms=latency, turn=OFF)) for latency in (80, 1120))
    assert letters(low) == letters(longest), "take another seed: here a mixture of both lanes has no right text"
    call = script.play(engine, Start(latency_ms=80))
    assert letters(call) == letters(longest)
    assert {final.refined for final in call.finals} == {True, False}


def test_a_stream_of_the_longest_latency_needs_no_second_lane(engine: Engine) -> None:
    exchange = Exchange(engine)
    call = Call(exchange, 1, Start(latency_ms=1120, refine="on"))
    audio, text = tones.utterance(11, 3)
    call.hear(audio)
    call.go_on()
    assert engine.slots_used == 1
    call.finish()
    assert (call.text, [final.refined for final in call.finals]) == (text, [False])


def test_streams_side_by_side_keep_their_lanes_apart(engine: Engine) -> None:
    exchange = Exchange(engine)
    scripts = [Script(seed, finalizes=0.3) for seed in (31, 32)]
    calls = [Call(exchange, number, Start(latency_ms=80, turn=OFF, refine="on")) for number in (1, 2)]
    for number in range(max(len(script.pieces) for script in scripts)):
        for call, script in zip(calls, scripts, strict=True):
            if number < len(script.pieces):
                audio, finalize = script.pieces[number]
                call.hear(audio)
                call.go_on()
                if finalize:
                    call.finalize(str(number))
    for call in calls:
        call.finish()
    for call, script in zip(calls, scripts, strict=True):
        alone = script.play(engine, Start(latency_ms=80, turn=OFF, refine="on"))
        assert without_refinement(call.finals) == without_refinement(alone.finals)


@pytest.mark.parametrize(("refine", "most"), [("off", 1), ("on", 2)])
def test_a_finalize_is_answered_by_one_further_step(engine: Engine, refine: Refine, most: int) -> None:
    exchange = Exchange(engine)
    call = Call(exchange, 1, Start(latency_ms=80, turn=OFF, refine=refine))
    audio, _ = tones.utterance(11, 4)
    for at in range(0, len(audio), 7919):
        call.hear(audio[at : at + 7919])
        while not exchange.idle:
            call.go_on()
        call.hear(audio[:500])
        call.finalize(str(at))
        steps = 0
        while not (call.finals and call.finals[-1].finalize_id == str(at)):
            call.go_on()
            steps += 1
        assert steps <= most
    call.finish()
