"""Where a voice starts and falls silent, and where its turn starts."""

from __future__ import annotations

from auricle_server.voice.silero import WINDOW
from auricle_server.voice.voice_activity import VoiceActivity


def after(*probabilities: float) -> VoiceActivity:
    activity = VoiceActivity(0, 0)
    for probability in probabilities:
        activity.step(probability)
    return activity


def test_a_voice_starts_at_one_threshold_and_ends_at_a_lower_one() -> None:
    assert not after(0.49).speaking
    assert after(0.5).speaking
    assert after(0.5, 0.36, 0.35).speaking
    silent = after(0.1, 0.5, 0.34)
    assert (silent.speaking, silent.turn_start, silent.silent_since) == (False, WINDOW, 2 * WINDOW)


def test_silence_is_counted_in_a_turn_that_has_had_a_voice() -> None:
    assert after(0.1, 0.1).silent_windows == 0
    assert after(0.9, 0.1, 0.1).silent_windows == 2
    assert after(0.9, 0.1, 0.9).silent_windows == 0


def test_the_next_turn_starts_with_the_next_voice() -> None:
    activity = after(0.9, 0.1)
    activity.end_turn(2 * WINDOW)
    assert (activity.turn_start, activity.floor, activity.silent_windows) == (None, 2 * WINDOW, 0)
    activity.step(0.9)
    assert activity.turn_start == 2 * WINDOW


def test_a_voice_that_goes_on_starts_the_next_turn_at_the_end_of_the_last() -> None:
    activity = after(0.9, 0.9)
    activity.end_turn(WINDOW + 100)
    assert activity.turn_start == WINDOW + 100


def test_a_turn_that_started_after_the_end_stays() -> None:
    activity = after(0.1, 0.9)
    activity.end_turn(WINDOW)
    assert activity.turn_start == WINDOW
