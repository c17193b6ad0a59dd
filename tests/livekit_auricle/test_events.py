"""Events with wall-clock times, and the events when a client stream is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from livekit.agents.stt import SpeechEventType

from auricle.protocol import Final, Interim, NoWords, SpeechStarted, TurnEagerEnd, TurnEnd, Word
from livekit.plugins.auricle._audio import AudioClock
from livekit.plugins.auricle._events import SpeechEvents


def interim(text: str) -> Interim:
    return Interim(text=text, start=1.0, end=1.5, language="en-US")


def final(text: str, *, start: float = 1.0, end: float = 2.0) -> Final:
    return Final(text=text, start=start, end=end, language="en-US", settled=end)


def test_a_turn_ends_when_the_speaker_stopped_not_when_the_server_said_so() -> None:
    clock = AudioClock()
    speech = SpeechEvents(clock, server_turns=True)
    speech.offset = 7.0
    clock.push(3.0, 103.0)
    (started,) = speech.of(SpeechStarted(start=1.0))
    (said,) = speech.of(final("hello"))
    (ended,) = speech.of(TurnEnd(probability=1.0, speech_end=2.0, text="hello"))
    assert started.speech_start_time == pytest.approx(101.0)
    assert said.speech_end_time == ended.speech_end_time == pytest.approx(102.0)
    assert [said.alternatives[0].start_time, said.alternatives[0].end_time] == pytest.approx([8.0, 9.0])


def test_a_final_says_what_it_dictates_and_whether_it_is_a_backchannel() -> None:
    speech = SpeechEvents(AudioClock(), server_turns=True)
    (said,) = speech.of(replace(final("zero four"), backchannel=0.02, collected="04"))
    assert said.alternatives[0].metadata == {"refined": False, "backchannel": 0.02, "collected": "04"}
    (other,) = speech.of(final("ja"))
    assert other.alternatives[0].metadata == {"refined": False}
    assert speech.of(NoWords(start=1.0, end=2.0)) == []


def test_words_shown_by_a_server_stream_that_is_lost_become_final() -> None:
    speech = SpeechEvents(AudioClock(), server_turns=True)
    speech.of(SpeechStarted(start=1.0))
    speech.of(interim("hello"))
    kinds = [event.type for event in speech.abandoned(flushed=True)]
    assert kinds == [SpeechEventType.FINAL_TRANSCRIPT, SpeechEventType.END_OF_SPEECH]
    assert speech.abandoned(flushed=False) == []


def test_a_lost_server_stream_that_owed_nothing_says_nothing() -> None:
    speech = SpeechEvents(AudioClock(), server_turns=False)
    speech.of(interim("hello"))
    speech.of(final("hello"))
    assert speech.abandoned(flushed=False) == []
    answer = speech.abandoned(flushed=True)
    assert [event.alternatives[0].text for event in answer] == ["", ""]
    assert answer[-1].type is SpeechEventType.FINAL_TRANSCRIPT


def test_events_that_livekit_has_no_word_for_are_left_out() -> None:
    speech = SpeechEvents(AudioClock(), server_turns=False)
    assert speech.of(SpeechStarted(start=0.0)) == []
    assert speech.of(TurnEnd(probability=1.0, speech_end=0.0, text="")) == []
    assert speech.of(TurnEagerEnd(probability=0.5, speech_end=0.0, text="")) == []


def test_a_transcript_is_as_sure_as_the_server_says_of_the_segment() -> None:
    words = tuple(Word(text=text, start=1.0, end=2.0, confidence=sure) for text, sure in (("hi", 0.9), ("there", 0.5)))
    sure = replace(final("hi there"), words=words, confidence=0.8)
    speech = SpeechEvents(AudioClock(), server_turns=True)
    told = [speech.transcript(event).confidence for event in (sure, replace(sure, words=()), final(""))]
    assert told == [0.8, 0.8, 0.0]
    assert speech.transcript(replace(sure, confidence=None)).confidence == pytest.approx(0.7)
    assert [word.confidence for word in speech.transcript(sure).words or ()] == [0.9, 0.5]


def test_noise_alone_shows_nothing_and_a_shown_word_that_was_none_is_cleared() -> None:
    speech = SpeechEvents(AudioClock(), server_turns=False)
    (alone,) = speech.of(final(""))
    assert (alone.type, alone.alternatives[0].text) == (SpeechEventType.FINAL_TRANSCRIPT, "")
    speech.of(interim("hm"))
    cleared, answer = speech.of(final(""))
    assert (cleared.type, cleared.alternatives[0].text) == (SpeechEventType.INTERIM_TRANSCRIPT, "")
    assert answer.type is SpeechEventType.FINAL_TRANSCRIPT


def test_an_interim_is_as_sure_as_the_finals_so_far() -> None:
    """The session shows it where it takes an interim for a final."""
    speech = SpeechEvents(AudioClock(), server_turns=False)
    told = [speech.transcript(interim("hi")).confidence]
    for sure in (0.9, 0.7):
        speech.of(replace(final("hi"), confidence=sure))
        told.append(speech.transcript(interim("hi")).confidence)
    assert told == pytest.approx([1.0, 0.9, 0.8])


def test_what_a_final_is_known_to_be_is_in_its_metadata() -> None:
    speech = SpeechEvents(AudioClock(), server_turns=False)
    said = replace(final("zero four"), backchannel=0.1, collected="04")
    told = [speech.transcript(event).metadata for event in (said, final("hi"), interim("hi"))]
    assert told == [{"refined": False, "backchannel": 0.1, "collected": "04"}, {"refined": False}, None]
