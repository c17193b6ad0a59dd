"""The measuring itself, against traces whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.turns import TurnEvidence, VoiceSignals
from auricle_server.voice.silero import WINDOW
from tests.bench.turns.conversations import Conversation, Turn
from tests.bench.turns.fit import fit
from tests.bench.turns.measure import MISSED_SECONDS, best_within, fastest_with, outcomes, point, summarise
from tests.bench.turns.report import curve, figures
from tests.bench.turns.signals import area, moments, table
from tests.bench.turns.simulate import (
    PIPECAT_STOP,
    punctuation,
    silence,
    smart_turn,
    systems,
    voice_activity,
    with_signals,
)
from tests.bench.turns.synthesis import Pause
from tests.bench.turns.traces import LATENCIES_MS, Sound, Trace

RATE = 16_000
CHUNK = 2560


def seconds(value: float) -> int:
    return round(value * RATE)


TURNS = (
    Turn("one", "mid", seconds(1), seconds(3), (Pause(seconds(1.8), seconds(2.4), "mid"),)),
    Turn("two", "plain", seconds(5.8), seconds(7)),
)
CONVERSATION = Conversation("made", "nobody", "clean", TURNS, np.zeros(seconds(11), np.int16))
SPOKEN = ((1.0, 1.8), (2.4, 3.0), (5.8, 7.0))


def trace(scores: tuple[float, float, float]) -> Trace:
    """Voice and words exactly where they are; a full stop behind the true ends; Smart Turn's score in each silence."""
    starts = np.arange(seconds(11) // WINDOW) * WINDOW
    speaks = [any(seconds(start) <= at < seconds(end) for start, end in SPOKEN) for at in starts]
    windows = np.asarray(speaks, np.float32)
    falls = [int(at) for at, before, now in zip(starts[1:], speaks, speaks[1:], strict=False) if before and not now]
    places = np.asarray([at + WINDOW * PIPECAT_STOP for at in falls], np.int64)
    words = tuple(word_at(position) for position in range(CHUNK, seconds(11), CHUNK))
    sound = Sound(windows, places, np.asarray(scores, np.float32))
    return Trace(CONVERSATION, sound, dict.fromkeys(LATENCIES_MS, words))


def word_at(position: int) -> TurnEvidence:
    ends = [seconds(end) for start, end in SPOKEN if seconds(start) < position]
    end = min(ends[-1], position) if ends else None
    return TurnEvidence(position, end, closing="." if end in {seconds(3), seconds(7)} else "", last_word="so")


SURE = trace((0.1, 0.9, 0.9))


def test_an_end_in_a_pause_is_a_cut_off_and_the_next_one_still_counts() -> None:
    first, second = outcomes(CONVERSATION, [seconds(2.1), seconds(3.4), seconds(7.25)])
    assert first.cuts == (("mid", True),)
    assert first.latency == pytest.approx(0.4)
    assert second.cuts == ()
    assert second.latency == pytest.approx(0.25)
    assert [first.is_cut, second.is_cut] == [True, False]


def test_an_end_after_the_pause_that_caused_it_belongs_to_it_and_one_before_any_pause_is_stray() -> None:
    late = outcomes(CONVERSATION, [seconds(2.5), seconds(3.2)])[0]
    assert late.cuts == (("mid", True),)
    stray = outcomes(CONVERSATION, [seconds(1.2), seconds(3.2)])[0]
    assert stray.cuts == (("mid", False),)
    assert stray.stray
    assert stray.is_cut


def test_an_end_just_before_the_last_phone_is_early_and_no_cut_off() -> None:
    first = outcomes(CONVERSATION, [seconds(2.9)])[0]
    assert first.latency == pytest.approx(-0.1)
    assert not first.is_cut


def test_a_missed_end_counts_with_the_whole_wait() -> None:
    found = outcomes(CONVERSATION, [seconds(3.2)])
    assert found[1].latency is None
    summary = summarise(found)
    assert summary.missed == 0.5
    assert summary.mean == pytest.approx((0.2 + MISSED_SECONDS) / 2)
    assert summary.pauses == 1
    assert summary.cut == 0


def test_an_end_in_the_next_turn_does_not_end_the_one_before() -> None:
    assert outcomes(CONVERSATION, [seconds(6.2)])[0].latency is None


def test_the_best_operating_points_are_found() -> None:
    fast = point(1, outcomes(CONVERSATION, [seconds(2.1), seconds(3.2), seconds(7.2)]))
    safe = point(2, outcomes(CONVERSATION, [seconds(3.8), seconds(7.8)]))
    assert best_within([fast, safe], 0.3) is fast
    assert best_within([fast, safe], 1.0) is safe
    assert best_within([fast, safe], 0.1) is None
    assert fastest_with([fast, safe], 0.05) is safe
    assert fastest_with([fast], 0.05) is None


def test_the_silence_detector_over_a_trace_ends_turns_at_the_first_chunk_that_is_silent_enough() -> None:
    assert summarise(outcomes(CONVERSATION, silence(SURE, 400, latency_ms=160))).cut == 1
    ends = silence(SURE, 1000, latency_ms=160)
    assert ends == [seconds(4.0), seconds(8.0)]


def test_voice_activity_ends_turns_by_the_window() -> None:
    ends = voice_activity(SURE, 640)
    assert [round(end / RATE, 1) for end in ends] == [3.6, 7.6]


def test_punctuation_waits_where_there_is_no_full_stop() -> None:
    assert punctuation(SURE, 320, latency_ms=160) == [seconds(3.36), seconds(7.36)]


def test_smart_turn_ends_where_it_is_asked_and_sure_and_otherwise_not_before_the_longest_silence() -> None:
    sure = smart_turn(SURE, 0.5, schedule=(PIPECAT_STOP,))
    assert [round(end / RATE, 1) for end in sure] == [3.2, 7.2]
    timid = smart_turn(trace((0.9, 0.1, 0.9)), 0.5, schedule=(PIPECAT_STOP,))
    assert [round(end / RATE, 1) for end in timid] == [2.0, 7.2]


def test_areas_count_ties_half() -> None:
    assert area([1, 1], [0, 0]) == 1
    assert area([0, 1], [0, 1]) == 0.5
    assert area([0], [1]) == 0
    assert area([], [1]) is None


def test_a_signal_that_tells_everything_has_an_area_of_one_and_one_that_is_constant_a_half() -> None:
    found = table([SURE])["400"]["all"]
    assert found["punctuation"] == 1
    assert found["Smart Turn"] == 1
    assert found["end of utterance token"] == 0.5


def test_kinds_are_compared_with_all_ends() -> None:
    found = table([SURE])["400"]
    assert set(found) == {"all", "clean", "mid"}
    assert found["mid"] == found["all"]


def test_a_pause_shorter_than_the_silence_is_not_compared() -> None:
    assert [one.ended for one in moments([SURE], 0.5)] == [False, True, True]
    assert [one.ended for one in moments([SURE], 0.7)] == [True, True]


def test_the_regression_finds_the_weights_that_made_the_data() -> None:
    generator = np.random.default_rng(1)
    x = generator.standard_normal((20_000, 6))
    x[:, :3] = generator.random((20_000, 3))  # what counts silence is never less than 0
    odds = 0.5 + 1.5 * x[:, 0] + 2 * x[:, 3] - x[:, 5]
    y = (generator.random(20_000) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    found = fit(x, y)
    assert found.bias == pytest.approx(0.5, abs=0.2)
    assert found.weights == pytest.approx((1.5, 0, 0, 2, 0, -1), abs=0.25)


def test_a_server_without_a_signal_does_not_know_it() -> None:
    heard = TurnEvidence(RATE, 0, closing=".", voice=VoiceSignals(0.1, 0, 0.9, 8000))
    assert with_signals(heard, "words").voice is None
    bare = with_signals(heard, "voice").voice
    assert bare is not None
    assert bare.complete is None
    assert not bare.prosody
    assert with_signals(heard, "prosody") is heard


def test_the_report_names_every_system_and_a_perfect_one_cuts_nobody_off() -> None:
    made = figures([SURE])
    assert [each["name"] for each in made["systems"]] == [system.name for system in systems(160)]
    once = next(each for each in made["systems"] if each["name"] == "Smart Turn, once")
    assert once["at_budget"]["300"]["cut"] == 0
    vad = next(each for each in made["systems"] if each["name"] == "VAD only")
    assert vad["at_budget"]["300"]["cut"] == 1


def test_a_curve_keeps_what_is_drawn() -> None:
    tried = [(100, 0.3, 0.9), (110, 0.3, 0.9), (120, 0.2, 0.95), (300, 2.2, 0.1), (310, 2.4, 0.1), (200, 1.9, 0.2)]
    assert curve(tried) == [[120, 0.2, 0.95], [110, 0.3, 0.9], [200, 1.9, 0.2], [300, 2.2, 0.1]]
