"""The bookkeeping of what was shown and what is owed, without a pipeline."""

from __future__ import annotations

from pipecat_auricle.speech import Speech
from tests.pipecat_auricle.scripted import final, interim


def test_words_are_owed_a_final_only_while_the_voice_detection_hears_nobody() -> None:
    speech = Speech("vad", silence=0.5)
    assert not speech.owed
    speech.vad_started()
    assert speech.shows(interim("hello", 0.2))
    assert not speech.owed
    speech.vad_stopped()
    assert speech.owed
    speech.settle(final("Hello.", 0.3))
    assert not speech.owed


def test_a_turn_of_the_servers_is_owed_its_end() -> None:
    speech = Speech("server", silence=0.5)
    speech.turn_open = True
    speech.settle(final("Hello", 0.3, at=0.4))
    assert speech.owed


def test_each_finalize_has_a_name_of_its_own() -> None:
    speech = Speech("vad", silence=0.5)
    names = {speech.ask(awaited=bool(number % 2)).id for number in range(10)}
    assert len(names) == 10


def test_a_cut_gives_back_the_words_once_and_forgets_the_clock() -> None:
    speech = Speech("vad", silence=0.5)
    speech.settle(final("One.", 9.0))
    speech.shows(interim(" two ", 9.5))
    asked = speech.ask(awaited=True)
    assert speech.cut_short() == "two"
    assert speech.cut_short() == ""
    assert not speech.settle(final("", 0.1, asked)).answered
    assert speech.shows(interim("three", 0.2))
