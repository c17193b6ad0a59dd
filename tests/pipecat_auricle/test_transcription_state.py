"""The bookkeeping of what was shown and what is owed, without a pipeline."""

from __future__ import annotations

import pytest

from auricle.protocol.server_messages import Final
from auricle.protocol.settings import TurnSettings
from pipecat_auricle.transcription_state import TranscriptionState
from tests.pipecat_auricle.scripted import final, interim

VAD = TurnSettings("off")
SEMANTIC = TurnSettings("semantic", max_silence_ms=2_000)


def test_words_are_owed_a_final_only_while_the_voice_detection_hears_nobody() -> None:
    speech = TranscriptionState(VAD)
    assert not speech.owed
    speech.vad_started()
    assert speech.shows(interim("hello", 0.2))
    assert not speech.owed
    speech.vad_stopped()
    assert speech.owed
    speech.settle(final("Hello.", 0.3))
    assert not speech.owed


def test_a_turn_of_the_servers_is_owed_its_end() -> None:
    speech = TranscriptionState(TurnSettings("silence", 500))
    speech.turn_open = True
    speech.settle(final("Hello", 0.3, at=0.4))
    assert speech.owed


def test_each_finalize_has_a_name_of_its_own() -> None:
    speech = TranscriptionState(VAD)
    names = {speech.ask(awaited=bool(number % 2)).id for number in range(10)}
    assert len(names) == 10


def test_a_cut_gives_back_the_words_once_and_forgets_the_clock() -> None:
    speech = TranscriptionState(VAD)
    speech.settle(final("One.", 9.0))
    speech.shows(interim(" two ", 9.5))
    asked = speech.ask(awaited=True)
    assert speech.cut_short() == "two"
    assert speech.cut_short() == ""
    assert not speech.settle(final("", 0.1, asked)).answered
    assert speech.shows(interim("three", 0.2))


@pytest.mark.parametrize(
    ("turn", "start", "end", "at", "last"),
    [
        (TurnSettings("silence", 500), 0.0, 1.0, 1.5, True),
        (TurnSettings("silence", 500), 0.0, 61.0, 61.2, False),
        (SEMANTIC, 0.0, 1.0, 1.2, True),
        (SEMANTIC, 9.0, 61.0, 61.2, False),
        (SEMANTIC, 9.0, 61.0, 63.0, True),
    ],
)
def test_the_last_final_of_a_turn_is_told_from_one_that_was_cut_for_its_length(
    turn: TurnSettings, start: float, end: float, at: float, last: bool
) -> None:
    said = Final(text="Well", start=start, end=end, language="en-US", settled=end, audio_time=at)
    assert TranscriptionState(turn).settle(said).last is last
