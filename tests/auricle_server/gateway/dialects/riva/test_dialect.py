"""Results and audio of one call."""

from __future__ import annotations

from typing import Any

import pytest

from auricle.protocol.client_messages import End, Start
from auricle.protocol.codes import INTERNAL
from auricle.protocol.server_messages import Final, Interim, SpeechStarted, TurnEagerEnd, TurnEnd, Word
from auricle_server.gateway.dialects.riva.dialect import END, FORCE_END, RivaDialect, RivaRecordingDialect
from auricle_server.gateway.session.dialect import EndTurn, Output
from auricle_server.gateway.session.formats.riva_settings import RivaSettings
from tests.support.servers.riva import force_end, pieces

WORDS = (Word("Hello,", 0.25, 0.5, 0.9), Word("Welt.", 0.75, 1.0, 0.7))
FINAL = Final(
    audio_time=2.0, text="Hello, Welt.", start=0.25, end=1.0, language="en", words=WORDS, settled=2.0, confidence=0.8
)
EMPTY = Final(audio_time=2.0, text="", start=2.0, end=2.0, language="en", settled=2.0)


def dialect(**settings: Any) -> RivaDialect:
    return RivaDialect(RivaSettings(Start(), **settings), "call 1")


def told(dialect: RivaDialect, output: Output) -> list[Any]:
    assert dialect.encode(output) == ()
    results = [result for response in dialect.responses for result in response.results]
    dialect.responses.clear()
    return results


def test_a_final() -> None:
    [result] = told(dialect(words=True, punctuated=True), FINAL)
    [alternative] = result.alternatives
    assert (result.is_final, result.audio_processed, result.stability) == (True, 2.0, 1.0)
    assert (alternative.transcript, alternative.language_code[:]) == ("Hello, Welt.", ["en"])
    assert alternative.confidence == pytest.approx(0.8)
    assert [(word.word, word.start_time, word.end_time) for word in alternative.words] == [
        ("Hello,", 250, 500),
        ("Welt.", 750, 1000),
    ]


def test_without_punctuation_words_are_plain() -> None:
    [result] = told(dialect(words=True), FINAL)
    assert result.alternatives[0].transcript == "hello welt"
    assert [word.word for word in result.alternatives[0].words] == ["hello", "welt"]
    assert not told(dialect(), FINAL)[0].alternatives[0].words


def test_every_response_names_the_request() -> None:
    call = dialect()
    call.encode(FINAL)
    assert [response.id.value for response in call.responses] == ["call 1"]
    unnamed = RivaDialect(RivaSettings(Start()))
    unnamed.encode(FINAL)
    assert not unnamed.responses[0].HasField("id")


def test_interims_come_where_they_are_wanted() -> None:
    interim = Interim(audio_time=1.5, text="Hello,", start=0.25, end=0.5, language="en")
    eager = TurnEagerEnd(audio_time=1.75, probability=0.5, speech_end=1.0, text="Hello, Welt.")
    assert told(dialect(), interim) == told(dialect(), eager) == []
    [result] = told(dialect(interims=True), interim)
    assert (result.is_final, result.audio_processed, result.alternatives[0].transcript) == (False, 1.5, "hello")
    [probable] = told(dialect(interims=True, punctuated=True), eager)
    assert (probable.is_final, probable.alternatives[0].transcript) == (False, "Hello, Welt.")
    assert probable.stability > result.stability


def test_an_empty_final_is_told_only_to_who_has_asked() -> None:
    assert told(dialect(), EMPTY) == []
    answer = Final(audio_time=2.0, text="", start=2.0, end=2.0, language="en", settled=2.0, finalize_id="1")
    [result] = told(dialect(), answer)
    assert (result.is_final, result.alternatives[0].transcript) == (True, "")


def test_what_the_format_cannot_say() -> None:
    assert told(dialect(interims=True), SpeechStarted(start=0.25)) == []
    assert told(dialect(interims=True), TurnEnd(probability=1.0, speech_end=1.0, text="Hello, Welt.")) == []


def test_requests_are_audio_and_forced_ends() -> None:
    call = dialect()
    [audio] = pieces(b"\x01\x02")
    both = force_end()
    both.audio_content = b"\x03\x04"
    assert [*call.inputs(audio), *call.inputs(both)] == [b"\x01\x02", b"\x03\x04", FORCE_END]
    assert call.receive_text(FORCE_END) == (EndTurn("force_eou 1"),)
    assert call.receive_text(FORCE_END) == (EndTurn("force_eou 2"),)
    assert not call.ended
    assert call.receive_text(END) == (End(),)
    assert call.ended
    assert call.close_code(None) != call.close_code(INTERNAL)


def test_a_recording_has_one_answer() -> None:
    call = RivaRecordingDialect(RivaSettings(Start(), words=True), "call 1")
    for output in (FINAL, EMPTY, FINAL):
        assert call.encode(output) == ()
    answer = call.answer()
    assert [result.alternatives[0].transcript for result in answer.results] == ["hello welt"] * 2
    assert answer.id.value == "call 1"
    assert (call.receive_audio(b"RIFF"), len(call.responses)) == (b"RIFF", 0)
