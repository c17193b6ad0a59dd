"""Messages in, inputs out; events in, messages out: without a server."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Update
from auricle.protocol.server_messages import Error, Final, Interim, KeytermsInForce, SpeechStarted, TurnEnd
from auricle.protocol.settings import TextFormat
from auricle_server.gateway.dialects.deepgram_listen.listen_dialect import ListenDialect
from auricle_server.gateway.dialects.deepgram_listen.query import ListenOptions
from auricle_server.gateway.dialects.deepgram_listen.results import ListenRequest
from auricle_server.gateway.session.dialect import AudioProgress, EndAnswered, KeepAlive, Output, Reply
from auricle_server.gateway.session.formats.deepgram_audio import DeepgramAudio

REQUEST = ListenRequest("r", "then")
TURN_END = TurnEnd(audio_time=2.0, probability=1.0, speech_end=1.0, text="one")


def dialect(**options: Any) -> ListenDialect:
    return ListenDialect(ListenOptions(**options), TextFormat(), REQUEST)


def final(text: str, end: float, settled: float, finalize_id: str | None = None) -> Final:
    return Final(
        audio_time=settled, text=text, start=0.0, end=end, language="en", settled=settled, finalize_id=finalize_id
    )


def said(client: ListenDialect, *outputs: Output) -> list[dict[str, Any]]:
    return [json.loads(text) for output in outputs for text in client.encode(output)]


def flags(message: dict[str, Any]) -> tuple[bool, bool, bool]:
    return message["is_final"], message["speech_final"], message["from_finalize"]


def test_messages_of_the_client() -> None:
    client = dialect()
    assert client.receive_text('{"type":"KeepAlive"}') == (KeepAlive(),)
    assert client.receive_text('{"type":"Finalize"}') == (Finalize("f1"),)
    assert client.receive_text('{"type":"Finalize"}') == (Finalize("f2"),)
    assert client.receive_text('{"type":"Configure","keyterms":["a"]}') == (Update(keyterms=("a",)),)
    assert not client.ended
    assert client.receive_text('{"type":"CloseStream"}') == (End(),)
    assert client.ended
    assert client.receive_text('{"type":"Finalize"}') == ()
    assert client.receive_audio(b"abcd") == b""


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"type":[]}', '{"type":"Speak"}', "[" * 100_000, "9" * 9_999])
def test_a_message_that_cannot_be_read_is_answered(text: str) -> None:
    [reply] = dialect().receive_text(text)
    assert isinstance(reply, Reply)
    assert isinstance(reply.text, str)
    assert json.loads(reply.text)["variant"] == "SchemaError"


def test_samples_may_lie_in_two_messages() -> None:
    client = dialect()
    assert [client.receive_audio(data) for data in (b"abc", b"d", b"", b"ef")] == [b"ab", b"cd", b"", b"ef"]
    assert dialect(audio=DeepgramAudio("mulaw")).receive_audio(b"abc") == b"abc"


def test_a_final_that_ends_its_turn_says_so() -> None:
    client = dialect()
    assert said(client, final("one", 1.0, 1.5)) == [], "it waits for what follows within the same result"
    [message] = said(client, TURN_END)
    assert flags(message) == (True, True, False)
    [other] = said(client, final("two", 2.0, 2.5), AudioProgress(2.6))
    assert flags(other) == (True, False, False)
    assert (other["start"], other["duration"]) == (1.5, 1.0)


def test_a_turn_whose_words_are_final_already_still_ends() -> None:
    client = dialect()
    messages = said(client, final("one", 1.0, 1.2, "f1"), AudioProgress(1.2), AudioProgress(2.0), TURN_END)
    assert [flags(message) for message in messages] == [(True, False, True), (True, True, False)]
    assert messages[1]["channel"]["alternatives"][0]["transcript"] == ""


def test_without_endpointing_no_final_ends_an_utterance() -> None:
    messages = said(dialect(ends_utterances=False), final("one", 1.0, 1.5), TURN_END, AudioProgress(2.0))
    assert [flags(message) for message in messages] == [(True, False, False)]


def test_interims_and_speech_starts_come_where_they_are_wanted() -> None:
    events = SpeechStarted(start=0.5), Interim(audio_time=1.0, text="one", start=0.5, end=0.9, language="en")
    assert said(dialect(), *events) == []
    started, interim = said(dialect(interim_results=True, vad_events=True), *events)
    assert started == {"type": "SpeechStarted", "channel": [0, 1], "timestamp": 0.5}
    assert flags(interim) == (False, False, False)


def test_the_end_of_an_utterance_is_told_once_after_its_final() -> None:
    client = dialect(utterance_end=1.0)
    interim = Interim(audio_time=1.0, text="one", start=0.5, end=0.9, language="en")
    assert said(client, interim, AudioProgress(3.0)) == [], "its words are not final yet"
    messages = said(client, final("one", 0.9, 3.0), AudioProgress(3.1), AudioProgress(9.0))
    assert [message["type"] for message in messages] == ["Results", "UtteranceEnd"]
    assert messages[1]["last_word_end"] == 0.9


def test_the_terms_of_a_configure_are_answered_when_they_are_in_force() -> None:
    client = dialect()
    client.receive_text('{"type":"Configure","keyterms":["a","b"]}')
    [pending] = client.receive_text('{"type":"Configure","keyterms":[]}')
    assert isinstance(pending, Reply)
    assert isinstance(pending.text, str)
    assert json.loads(pending.text)["code"] == "CONFIGURE_ALREADY_PENDING"
    assert said(client, KeytermsInForce(count=5)) == [], "those of the request"
    [success] = said(client, KeytermsInForce(count=2))
    assert success == {"type": "ConfigureSuccess", "request_id": "r", "keyterms": ["a", "b"]}


def test_features_are_in_force_at_once() -> None:
    client = dialect()
    update, reply = client.receive_text('{"type":"Configure","features":{"numerals":true,"new":1}}')
    assert update == Update(text_format=TextFormat(numbers="numerals"))
    assert isinstance(reply, Reply)
    assert isinstance(reply.text, str)
    assert json.loads(reply.text) == {"type": "ConfigureSuccess", "request_id": "r"}
    update, _ = client.receive_text('{"type":"Configure","features":{"profanity_filter":true}}')
    assert update == Update(text_format=TextFormat(numbers="numerals", profanity_filter=True))


def test_terms_that_are_refused() -> None:
    client = dialect()
    client.receive_text('{"type":"Configure","keyterms":["a"]}')
    error = Error(code=codes.NO_ROOM_FOR_KEYTERMS, fault="server", fatal=False, message="no room")
    [failure] = said(client, error)
    assert (failure["type"], failure["description"]) == ("ConfigureFailure", "no room")
    assert said(client, error) == [], "nothing was asked"


def test_the_last_message_sums_up() -> None:
    client = dialect()
    client.receive_audio(b"abc")
    results, metadata = said(client, final("one", 1.0, 1.5), EndAnswered(2.0))
    assert flags(results) == (True, False, False)
    assert (metadata["type"], metadata["duration"], metadata["created"]) == ("Metadata", 2.0, "then")
    assert metadata["sha256"] == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("code", "variant", "close_code"),
    [
        (codes.IDLE_TIMEOUT, "NET-0001", 1011),
        (codes.WORKER_LOST, "NET-0000", 1011),
        (codes.SHUTTING_DOWN, "NET-0000", 1011),
        (codes.STREAM_TOO_LONG, "DATA-0000", 1008),
        (codes.MESSAGE_TOO_BIG, "DATA-0000", 1009),
    ],
)
def test_errors(code: str, variant: str, close_code: int) -> None:
    client = dialect()
    error = Error(code=code, fault=codes.CODES[code].fault, fatal=True, message="why")
    results, message = said(client, final("one", 1.0, 1.5), error)
    assert results["is_final"], "what is known is told before"
    assert (message["type"], message["variant"], message["description"]) == ("Error", variant, "why")
    assert client.close_code(code) == close_code
    assert client.close_code(None) == 1000
