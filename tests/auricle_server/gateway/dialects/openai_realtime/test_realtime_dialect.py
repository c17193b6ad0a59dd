"""What OpenAI's realtime events mean, and how ours are told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import Finalize, Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Error, Final, Interim, Settled, SpeechStarted, TurnEnd, Word
from auricle.protocol.states import AudioReceived
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.openai_realtime.realtime_config import RealtimeConfig
from auricle_server.gateway.dialects.openai_realtime.realtime_dialect import RealtimeDialect
from auricle_server.gateway.session.dialect import AudioProgress, EndTurn, Input, LateReply, Output

DONE = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"
NULL = {"audio": {"input": {"turn_detection": None}}}


class Client:
    """The dialect, and what it has said."""

    def __init__(self, *, older: bool = False, **config: Any) -> None:
        self.dialect = RealtimeDialect("sess_1", RealtimeConfig(**config), None, DEFAULT_LIMITS, older=older)
        self.greeting = json.loads(self.dialect.greeting())

    def send(self, kind: str, **fields: Any) -> tuple[list[Input], list[dict[str, Any]]]:
        """What the message means, and the replies to it."""
        return self.send_text(json.dumps({"type": kind, **fields}))

    def send_text(self, text: str) -> tuple[list[Input], list[dict[str, Any]]]:
        inputs = self.dialect.receive_text(text)
        replies = [json.loads(each.make()) for each in inputs if isinstance(each, LateReply)]
        return [each for each in inputs if not isinstance(each, LateReply)], replies

    def told(self, *outputs: Output) -> list[dict[str, Any]]:
        return [json.loads(text) for output in outputs for text in self.dialect.encode(output)]


def started(at: float = 1.0) -> SpeechStarted:
    return SpeechStarted(audio_time=at, start=at - 0.5)


def interim(text: str, at: float = 1.0) -> Interim:
    return Interim(audio_time=at, text=text, start=0.5, end=at, language="en-US")


def final(text: str = "one two", at: float = 2.0, finalize_id: str | None = None) -> Final:
    words = tuple(Word(each, 0.5, 0.9, 0.8) for each in text.split())
    return Final(
        audio_time=at, text=text, start=0.5, end=0.9, language="en-US", words=words, finalize_id=finalize_id, settled=at
    )


def end(at: float = 2.0) -> TurnEnd:
    return TurnEnd(audio_time=at, probability=1.0, speech_end=0.9, text="one two")


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"].removeprefix("input_audio_buffer.") for message in messages]


def test_the_first_event_shows_the_session() -> None:
    assert Client().greeting["type"] == "session.created"
    assert Client().greeting["session"]["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    old = Client(older=True).greeting
    assert (old["type"], old["session"]["input_audio_format"]) == ("transcription_session.created", "pcm16")


def test_the_first_update_starts_the_stream_and_later_ones_change_it() -> None:
    client = Client()
    [start], [updated] = client.send("session.update", session=NULL)
    assert isinstance(start, Start)
    assert (start.turn.mode, updated["type"]) == ("off", "session.updated")
    [update], [updated] = client.send(
        "transcription_session.update", session={"turn_detection": {"type": "server_vad"}}
    )
    assert isinstance(update, Update)
    assert updated["type"] == "transcription_session.updated"
    assert updated["session"]["turn_detection"] == {"type": "server_vad"}


def test_audio_without_an_update_starts_the_stream() -> None:
    client = Client()
    audio = base64.b64encode(b"123").decode()
    inputs, _ = client.send("input_audio_buffer.append", audio=audio)
    assert [type(each) for each in inputs] == [Start, AudioReceived]
    assert inputs[1] == AudioReceived(b"12")
    assert client.send("input_audio_buffer.append", audio=audio)[0] == [AudioReceived(b"3123")]
    assert client.send("input_audio_buffer.append", audio="")[0] == []


def test_a_turn_is_an_item() -> None:
    client = Client()
    outputs = (started(), interim("my", 1.0), interim("my word", 1.5), final("my word"), end())
    messages = client.told(*outputs)
    assert kinds(messages) == ["speech_started", DELTA, DELTA, "speech_stopped", "committed", DONE]
    assert len({message["item_id"] for message in messages}) == 1
    assert "".join(message["delta"] for message in messages if message["type"] == DELTA) == "my word"
    assert (messages[0]["audio_start_ms"], messages[3]["audio_end_ms"]) == (500, 2000)
    done = messages[-1]
    assert (done["transcript"], done["languages"]) == ("my word", [{"code": "en"}])
    assert done["usage"] == {"type": "duration", "seconds": 2.0}
    assert "logprobs" not in done
    [first, *_, committed, _] = client.told(started(3.0), final("three", 4.0), end(4.0))
    assert committed["previous_item_id"] == done["item_id"] != first["item_id"]


def test_commits_without_turn_detection_are_all_completed() -> None:
    client = Client()
    client.send("session.update", session=NULL)
    client.told(started(), interim("one two"))
    [first], [committed] = client.send("input_audio_buffer.commit")
    [second], _ = client.send("input_audio_buffer.commit")
    assert isinstance(first, Finalize)
    assert isinstance(second, Finalize)
    assert committed["type"] == "input_audio_buffer.committed"
    messages = client.told(final("one two", 2.0, first.id), final("", 2.0, second.id), AudioProgress(2.0))
    assert kinds(messages) == [DELTA, DONE, DONE]
    assert messages[1]["item_id"] == committed["item_id"]
    assert [message["transcript"] for message in messages[1:]] == ["one two", ""]


def test_a_long_item_has_all_its_segments() -> None:
    client = Client()
    client.send("session.update", session=NULL)
    client.told(final("one"))
    [commit], _ = client.send("input_audio_buffer.commit")
    assert isinstance(commit, Finalize)
    assert client.told(final("two", 3.0, commit.id))[-1]["transcript"] == "one two"


def test_a_commit_within_turn_detection_ends_the_turn() -> None:
    client = Client()
    client.told(started(), interim("one"))
    [_, commit], replies = client.send("input_audio_buffer.commit")
    assert isinstance(commit, EndTurn)
    assert replies == []
    messages = client.told(final("one two", 2.0, commit.id), end(), AudioProgress(2.0))
    assert kinds(messages) == [DELTA, "speech_stopped", "committed", DONE]


def test_a_commit_that_finds_no_turn_is_completed_too() -> None:
    client = Client()
    [_, commit], _ = client.send("input_audio_buffer.commit")
    assert isinstance(commit, EndTurn)
    messages = client.told(final("", 2.0, commit.id), AudioProgress(2.0), AudioProgress(3.0))
    assert kinds(messages) == ["committed", DONE]
    assert messages[1]["transcript"] == ""


@pytest.mark.parametrize("session", [{}, NULL])
def test_what_is_cleared_is_not_told(session: dict[str, Any]) -> None:
    client = Client()
    client.send("session.update", session=session)
    client.told(started())
    [clear], [cleared] = client.send("input_audio_buffer.clear")
    assert isinstance(clear, EndTurn)
    assert cleared["type"] == "input_audio_buffer.cleared"
    ends = [end()] if session == {} else []
    messages = client.told(final("one two", 2.0, clear.id), *ends, AudioProgress(2.0))
    assert kinds(messages) == ["speech_stopped"] * len(ends)
    messages = client.told(final("three", 3.0, "commit 1"), *ends, AudioProgress(3.0))
    assert [message["transcript"] for message in messages if message["type"] == DONE] == ["three"]


def test_the_probability_of_words_is_told_when_asked_for() -> None:
    client = Client(include=("item.input_audio_transcription.logprobs",))
    done = client.told(started(), final(), end())[-1]
    assert [each["token"] for each in done["logprobs"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ("{", None),
        ("[]", None),
        ("[" * 100_000, None),
        ('{"type":"response.create"}', None),
        ('{"type":7}', None),
        ('{"type":"input_audio_buffer.append","audio":"x"}', None),
        ('{"type":"input_audio_buffer.append","audio":3}', None),
        ('{"type":"session.update","session":3}', None),
        ('{"type":"session.update","session":{"input_audio_format":"mp3"}}', "input_audio_format"),
    ],
)
def test_what_is_wrong_is_answered_and_the_conversation_goes_on(text: str, param: str | None) -> None:
    inputs, [error] = Client().send_text(text)
    assert inputs == []
    assert error["type"] == "error"
    assert (error["error"]["type"], error["error"]["param"]) == ("invalid_request_error", param)
    assert error["error"]["message"]


def test_an_error_names_the_event_that_it_answers() -> None:
    _, [error] = Client().send("response.create", event_id="mine")
    assert error["error"]["event_id"] == "mine"


def test_a_refused_update_is_an_error_and_changes_nothing() -> None:
    client = Client()
    client.send("session.update", session=NULL)
    inputs = client.dialect.receive_text(
        '{"type":"session.update","session":{"input_audio_transcription":{"language":"xx"}}}'
    )
    assert client.told(Error(code=codes.UNSUPPORTED_LANGUAGE, fault="client", fatal=False, message="why")) == []
    assert isinstance(inputs[1], LateReply)
    error = json.loads(inputs[1].make())
    assert (error["type"], error["error"]["code"]) == ("error", codes.UNSUPPORTED_LANGUAGE)
    _, [updated] = client.send("session.update", session={})
    assert "language" not in updated["session"]["audio"]["input"]["transcription"]


@pytest.mark.parametrize(
    ("code", "fault", "told"),
    [
        (codes.UNSUPPORTED_LANGUAGE, "client", True),
        (codes.MESSAGE_TOO_BIG, "client", True),
        (codes.IDLE_TIMEOUT, "client", False),
        (codes.SHUTTING_DOWN, "server", False),
        (codes.INTERNAL, "server", False),
    ],
)
def test_only_what_another_try_does_not_mend_is_an_error(code: str, fault: Any, told: bool) -> None:
    client = Client()
    messages = client.told(Error(code=code, fault=fault, fatal=True, message="why"))
    assert kinds(messages) == ["error"] * told
    assert client.dialect.close_code(code) > 1000


def test_notices_are_not_told() -> None:
    notice = Error(code=codes.UNWRITABLE_KEYTERMS, fault="client", fatal=False, message="why")
    assert Client().told(notice, Settled(settled=1.0), AudioProgress(5.0)) == []


def test_binary_messages_are_none() -> None:
    with pytest.raises(ProtocolViolation, match="base64"):
        Client().dialect.receive_audio(b"12")
    assert not Client().dialect.ended
    assert Client().dialect.close_code(None) == 1000
