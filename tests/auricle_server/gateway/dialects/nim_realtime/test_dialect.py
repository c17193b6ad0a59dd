"""NIM's events, one by one."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Error, Final, Interim, SpeechStarted, TurnEnd, Word
from auricle.protocol.states import AudioReceived
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.nim_realtime.dialect import NimDialect
from auricle_server.gateway.session.dialect import EndAnswered, EndTurn, Input, LateReply, Output
from auricle_server.model_info import ModelInfo

MODEL = ModelInfo("demo", ("a",), (80, 160), 160, ("en-US",), "en-US", 0.08, 4)
LIMITS = replace(DEFAULT_LIMITS, keyterms=10, keyterm_characters=20)
WORDS = (Word("Hello,", 0.25, 0.5, 0.9), Word("Welt.", 0.75, 1.0, 0.7))
PUNCTUATED = {"recognition_config": {"enable_automatic_punctuation": True, "enable_word_time_offsets": True}}


def final(text: str = "Hello, Welt.", finalize_id: str | None = None) -> Final:
    words = WORDS if text else ()
    return Final(
        audio_time=2.0, text=text, start=0.25, end=1.0, language="en", words=words, settled=2.0, finalize_id=finalize_id
    )


class Client:
    """One conversation, in which everything is answered at once."""

    def __init__(self) -> None:
        self.dialect = NimDialect("sess_123456789012", MODEL, LIMITS)

    def send(self, kind: str, **fields: Any) -> tuple[list[Input], list[dict[str, Any]]]:
        """What a message means, and the replies to it."""
        inputs = list(self.dialect.receive_text(json.dumps({"type": kind, **fields})))
        replies = [json.loads(each.make()) for each in inputs if isinstance(each, LateReply)]
        return [each for each in inputs if not isinstance(each, LateReply)], replies

    def append(self, data: bytes, **fields: Any) -> list[Input]:
        return self.send("input_audio_buffer.append", audio=base64.b64encode(data).decode(), **fields)[0]

    def told(self, *outputs: Output) -> list[dict[str, Any]]:
        return [json.loads(text) for output in outputs for text in self.dialect.encode(output)]


def transcripts(events: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(event["transcript"], event["is_last_result"]) for event in events if "transcript" in event]


def test_the_first_update_starts_the_stream_and_later_ones_change_it() -> None:
    client = Client()
    assert json.loads(client.dialect.greeting())["type"] == "conversation.created"
    [start], [updated] = client.send("transcription_session.update", session=PUNCTUATED)
    assert isinstance(start, Start)
    assert (start.words, updated["type"]) == (True, "transcription_session.updated")
    assert updated["session"]["recognition_config"]["enable_automatic_punctuation"]
    [update], [_] = client.send("transcription_session.update", session={"endpointing_config": {"stop_history": 800}})
    assert isinstance(update, Update)
    assert update.turn is not None
    assert (update.turn.silence_ms, update.keyterms, update.language) == (800, None, None)


def test_audio_without_an_update_starts_the_stream() -> None:
    client = Client()
    start, audio = client.append(b"123")
    assert isinstance(start, Start)
    assert audio == AudioReceived(b"12")
    assert client.append(b"4") == [AudioReceived(b"34")]
    assert client.append(b"") == []


@pytest.mark.parametrize("value", ["true", "True", True])
def test_a_forced_end_follows_its_audio(value: object) -> None:
    client = Client()
    client.append(b"12")
    assert client.append(b"34", runtime_config={"force_eou": value}) == [AudioReceived(b"34"), EndTurn("force_eou 1")]
    assert client.append(b"", runtime_config={"force_eou": "false"}) == []
    assert client.append(b"", runtime_config={"force_eou": value}) == [EndTurn("force_eou 2")]


def test_an_utterance_is_an_item() -> None:
    client = Client()
    client.send("transcription_session.update", session=PUNCTUATED)
    interim = Interim(audio_time=1.5, text="Hello,", start=0.25, end=0.5, language="en")
    delta, done = client.told(SpeechStarted(start=0.25), interim, final())
    assert (delta["delta"], done["transcript"], done["is_last_result"]) == ("Hello,", "Hello, Welt.", False)
    assert delta["item_id"] == done["item_id"]
    assert done["words_info"]["words"] == [
        {"word": "Hello,", "start_time": 250, "end_time": 500, "confidence": 0.9, "speaker_tag": 0},
        {"word": "Welt.", "start_time": 750, "end_time": 1000, "confidence": 0.7, "speaker_tag": 0},
    ]
    _, [committed] = client.send("input_audio_buffer.commit")
    assert committed["previous_item_id"] == done["item_id"] != committed["item_id"]
    assert client.send("input_audio_buffer.clear")[1][0]["type"] == "input_audio_buffer.cleared"


def test_without_punctuation_words_are_plain_and_without_offsets_there_are_none() -> None:
    client = Client()
    client.send("transcription_session.update")
    [done] = client.told(final())
    assert (done["transcript"], done["words_info"]) == ("hello welt", {"words": []})


def test_the_last_result_is_marked() -> None:
    client = Client()
    assert transcripts(client.told(final(""), final("", "force_eou 1"))) == [("", False)]
    inputs, _ = client.send("input_audio_buffer.done")
    assert [type(each) for each in inputs] == [Start, End]
    assert client.send("input_audio_buffer.commit") == ([], [])
    turn_end = TurnEnd(probability=1.0, speech_end=1.0, text="two")
    events = client.told(final("one"), final("two"), turn_end, EndAnswered(3.0))
    assert transcripts(events) == [("one", False), ("two", True)]
    assert events[-1]["usage"] == {"type": "duration", "seconds": 3.0}


def test_a_final_that_was_on_its_way_keeps_its_place() -> None:
    client = Client()
    client.send("input_audio_buffer.done")
    interim = Interim(audio_time=2.5, text="two", start=2.0, end=2.5, language="en")
    one, delta, last = client.told(final("one"), interim, EndAnswered(3.0))
    assert transcripts([one, last]) == [("one", False), ("", True)]
    assert one["item_id"] != delta["item_id"] == last["item_id"]


def test_a_fault_is_told_after_what_was_said() -> None:
    client = Client()
    client.send("input_audio_buffer.done")
    fatal = Error(code=codes.SHUTTING_DOWN, message="it goes", fault="server", fatal=True)
    one, error = client.told(final("one"), fatal)
    assert (one["transcript"], error["type"], error["error"]["message"]) == ("one", "error", "it goes")
    assert client.dialect.close_code(codes.SHUTTING_DOWN) != client.dialect.close_code(None) == 1000


def test_a_refused_update_is_an_error_and_the_session_stays() -> None:
    client = Client()
    client.send("transcription_session.update")
    before = client.send("transcription_session.update")[1][0]["session"]
    refused = {"recognition_config": {"custom_configuration": "latency_ms:81"}}
    inputs = client.dialect.receive_text(json.dumps({"type": "transcription_session.update", "session": refused}))
    assert client.told(Error(code=codes.UNSUPPORTED_LATENCY, message="no 81", fault="client", fatal=False)) == []
    late = inputs[-1]
    assert isinstance(late, LateReply)
    assert json.loads(late.make())["error"]["message"] == "no 81"
    assert client.send("transcription_session.update")[1][0]["session"] == before


def test_binary_audio_is_no_part_of_the_format() -> None:
    with pytest.raises(ProtocolViolation, match=r"input_audio_buffer\.append"):
        Client().dialect.receive_audio(b"12")
