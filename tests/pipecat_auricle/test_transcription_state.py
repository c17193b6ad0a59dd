"""What the pipeline was told and what it waits for, without a pipeline."""

from __future__ import annotations

import pytest

from auricle.protocol.server_messages import Final
from auricle.protocol.settings import TurnSettings
from pipecat_auricle.transcription_state import TranscriptionState
from tests.support.server_events import final, interim

VAD = TurnSettings("off")
SEMANTIC = TurnSettings("semantic", max_silence_ms=2_000)


def test_words_are_owed_a_final_only_while_the_voice_detection_hears_nobody() -> None:
    state = TranscriptionState(VAD)
    assert not state.awaits_final
    state.vad_started()
    assert state.show(interim("hello", 0.2))
    assert not state.awaits_final
    state.vad_stopped()
    assert state.awaits_final
    state.settle(final("Hello.", 0.3))
    assert not state.awaits_final


def test_a_turn_of_the_servers_is_owed_its_end() -> None:
    state = TranscriptionState(TurnSettings("silence", 500))
    state.turn_open = True
    state.settle(final("Hello", 0.3, at=0.4))
    assert state.awaits_final


def test_each_finalize_has_a_name_of_its_own() -> None:
    state = TranscriptionState(VAD)
    names = {state.next_finalize(awaited=bool(number % 2)).id for number in range(10)}
    assert len(names) == 10


def test_a_cut_gives_back_the_words_once_and_forgets_the_clock() -> None:
    state = TranscriptionState(VAD)
    state.settle(final("One.", 9.0))
    state.show(interim(" two ", 9.5))
    asked = state.next_finalize(awaited=True)
    assert state.cut_short() == ("two", "")
    assert state.cut_short() == ("", "")
    assert not state.settle(final("", 0.1, asked)).answered
    assert state.show(interim("three", 0.2))


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
