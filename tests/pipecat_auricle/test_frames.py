"""Events and frames, without a pipeline."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    Frame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
)
from pipecat.transcriptions.language import Language

from auricle.events import Reconnected, StreamEvent
from auricle.protocol.server_messages import SpeechStarted
from auricle.protocol.settings import TurnSettings
from pipecat_auricle.frames import (
    NothingTranscribed,
    Output,
    frames_for,
    frames_for_lost_stream,
    frames_for_mute,
    language_of,
)
from pipecat_auricle.transcription_state import TranscriptionState
from tests.support.server_events import eager_end, final, interim, resumed, turn_end

STARTED, STOPPED = ProposedUserStartedSpeakingFrame, ProposedUserStoppedSpeakingFrame
INTERIM, FINAL, EAGER = InterimTranscriptionFrame, TranscriptionFrame, EagerTranscriptionFrame


@pytest.fixture
def vad() -> TranscriptionState:
    return TranscriptionState(TurnSettings("off"))


@pytest.fixture
def server() -> TranscriptionState:
    return TranscriptionState(TurnSettings("silence", 500))


def kinds(state: TranscriptionState, *events: StreamEvent) -> list[type]:
    return [type(output) for event in events for output in frames_for(event, state)]


def only(outputs: list[Output], kind: type[Frame]) -> Frame:
    (frame,) = [output for output in outputs if isinstance(output, kind)]
    return frame


def test_pipecats_turns_have_no_proposals(vad: TranscriptionState) -> None:
    events: list[StreamEvent] = [
        SpeechStarted(start=0.1),
        interim("one", 0.4),
        final("One.", 0.5),
        turn_end("One.", 1.0),
    ]
    assert kinds(vad, *events) == [INTERIM, FINAL]


def test_a_turn_of_the_servers_is_proposed_around_its_words(server: TranscriptionState) -> None:
    events: list[StreamEvent] = [
        SpeechStarted(start=0.1),
        interim("one", 0.4),
        final("One.", 0.5, at=1.0),
        turn_end("One.", 1.0),
    ]
    assert kinds(server, *events) == [STARTED, INTERIM, FINAL, STOPPED]


def test_a_turn_starts_with_its_first_words_and_once(server: TranscriptionState) -> None:
    assert kinds(server, interim("one", 0.4), SpeechStarted(start=0.1), interim("one two", 0.8)) == [
        STARTED,
        INTERIM,
        INTERIM,
    ]


def test_no_interim_is_empty_or_older_than_the_final(vad: TranscriptionState) -> None:
    assert kinds(vad, interim(" ", 0.2), final("One.", 0.5), interim("one", 0.5), interim("two", 0.6)) == [
        FINAL,
        INTERIM,
    ]


def test_frames_name_who_spoke_and_in_which_language(vad: TranscriptionState) -> None:
    vad.speakers.add("ada", 0.0, 0.5)
    vad.speakers.add("bob", 0.5, 2.0)
    event = replace(final(" Ja. ", 0.4), language="de-DE")
    frame = only(frames_for(event, vad), FINAL)
    assert isinstance(frame, TranscriptionFrame)
    assert (frame.text, frame.user_id, frame.language, frame.result) == ("Ja.", "ada", Language.DE_DE, event)


def test_only_the_answer_to_an_awaited_finalize_is_the_last(vad: TranscriptionState) -> None:
    asked = vad.next_finalize(awaited=True)
    outputs = [frames_for(final("One", 0.4), vad), frames_for(final("two.", 0.8, asked), vad)]
    assert [getattr(only(each, FINAL), "finalized", None) for each in outputs] == [False, True]


def test_an_empty_answer_has_no_frame(vad: TranscriptionState) -> None:
    asked = vad.next_finalize(awaited=True)
    assert frames_for(final("", 0.4, asked), vad) == [NothingTranscribed()]
    assert frames_for(final("", 0.6), vad) == []


def test_no_interruption_drops_the_words_that_caused_it(server: TranscriptionState) -> None:
    outputs = [
        *frames_for(interim("one", 0.4), server),
        *frames_for(final("One.", 0.5, at=1.0), server),
        *frames_for(turn_end("One.", 1.0), server),
    ]
    assert not only(outputs, FINAL).interruptible
    assert not only(outputs, STOPPED).interruptible


def test_an_eager_end_is_withdrawn_and_not_sent_to_a_muted_pipeline(server: TranscriptionState) -> None:
    frames_for(interim("one", 0.4), server)
    assert kinds(server, eager_end("one", 0.8), resumed(0.9)) == [EAGER, EagerEndOfTurnCancelFrame]
    server.set_muted(stt=True, user=False)
    assert kinds(server, eager_end("one", 1.2)) == []


def test_a_finalize_ends_the_turn_of_the_pipeline(server: TranscriptionState) -> None:
    frames_for(interim("one", 0.4), server)
    assert kinds(server, final("One", 0.4, server.next_finalize(awaited=False))) == [FINAL, STOPPED]
    assert kinds(server, turn_end("One", 0.9)) == []


def test_words_of_a_lost_stream_are_final_and_its_turn_ends(server: TranscriptionState) -> None:
    frames_for(replace(interim("half a", 0.4), language="de-DE"), server)
    outputs = frames_for_lost_stream(server)
    assert [type(output) for output in outputs] == [FINAL, STOPPED]
    frame = only(outputs, FINAL)
    assert isinstance(frame, TranscriptionFrame)
    assert (frame.text, frame.language, frame.finalized) == ("half a", Language.DE_DE, False)
    assert frames_for_lost_stream(server) == []


def test_a_stop_that_a_muted_aggregator_ignored_is_proposed_again(server: TranscriptionState) -> None:
    frames_for(interim("one", 0.4), server)
    finalize = server.set_muted(stt=False, user=True)
    assert [type(output) for output in frames_for_mute(server, begins=True)] == [EagerEndOfTurnCancelFrame]
    assert kinds(server, final("One", 0.4, finalize)) == [FINAL, STOPPED]
    server.set_muted(stt=False, user=False)
    assert [type(output) for output in frames_for_mute(server, begins=False)] == [STOPPED]
    assert frames_for_mute(server, begins=False) == []


def test_events_about_the_connection_have_no_frames(server: TranscriptionState) -> None:
    assert frames_for(Reconnected(1.0), server) == []


@pytest.mark.parametrize(
    ("code", "language"),
    [("en-US", Language.EN_US), ("ar-AR", Language.AR), ("de", Language.DE), ("auto", None), ("", None)],
)
def test_a_language_is_concrete_or_none(code: str, language: Language | None) -> None:
    assert language_of(code) is language
