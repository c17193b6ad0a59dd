"""What Flux' messages mean, and how events are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import (
    Error,
    Final,
    Interim,
    KeytermsInForce,
    Ready,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Word,
)
from auricle.protocol.settings import TurnSettings
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.flux.dialect import FluxDialect
from auricle_server.gateway.dialects.flux.settings import FluxSettings
from auricle_server.gateway.session.dialect import AudioProgress, EndTurn, LateReply, Output
from auricle_server.gateway.session.formats.deepgram_audio import SAMPLES, DeepgramSamples

READY = Ready(
    session="s",
    model="m",
    latencies_ms=(80,),
    languages=("en-US",),
    latency_ms=80,
    language="en",
    limits=DEFAULT_LIMITS,
)
ONE = Word("one", 0.5, 0.9, 0.8)


def dialect(model: str = "flux-general-en", settings: FluxSettings | None = None, **options: Any) -> FluxDialect:
    return FluxDialect(
        "request", model, settings or FluxSettings(), ("en-US", "auto"), DeepgramSamples(SAMPLES), **options
    )


def told(client: FluxDialect, *outputs: Output) -> list[dict[str, Any]]:
    return [json.loads(text) for output in outputs for text in client.encode(output)]


def started(client: FluxDialect | None = None) -> FluxDialect:
    client = client or dialect()
    told(client, READY, SpeechStarted(audio_time=1.0, start=0.5), interim())
    return client


def interim(at: float = 1.0) -> Interim:
    return Interim(audio_time=at, text="one", start=0.5, end=0.9, language="en-US", words=(ONE,))


def final(at: float = 2.0, text: str = "one", finalize_id: str | None = None) -> Final:
    words = (ONE,) if text else ()
    return Final(
        audio_time=at, text=text, start=0.5, end=0.9, language="en-US", words=words, finalize_id=finalize_id, settled=at
    )


def end(at: float = 2.0, probability: float = 0.8, text: str = "one") -> TurnEnd:
    return TurnEnd(audio_time=at, probability=probability, speech_end=0.9, text=text)


def eager(at: float = 1.5) -> TurnEagerEnd:
    return TurnEagerEnd(audio_time=at, probability=0.6, speech_end=0.9, text="one")


def events(messages: list[dict[str, Any]]) -> list[str]:
    return [message.get("event", message["type"]) for message in messages]


def test_every_message_has_the_request_and_a_number() -> None:
    client = dialect(unserved=["redact"])
    messages = told(client, READY, AudioProgress(0.3))
    assert [message["sequence_id"] for message in messages] == [0, 1, 2]
    assert {message["request_id"] for message in messages} == {"request"}
    assert events(messages) == ["Connected", "Warning", "Update"]
    assert "redact" in messages[1]["description"]


def test_a_turn_from_its_first_word_to_its_end() -> None:
    client = dialect()
    outputs = (
        SpeechStarted(audio_time=1.0, start=0.5),
        interim(),
        eager(),
        TurnResumed(audio_time=1.7, probability=0.2),
    )
    messages = told(client, READY, *outputs, eager(1.8), final(), end())
    assert events(messages) == [
        *("Connected", "StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EagerEndOfTurn", "EndOfTurn"),
    ]
    assert [message["end_of_turn_confidence"] for message in messages[1:]] == [0.0, 0.6, 0.2, 0.6, 0.8]
    assert {message["turn_index"] for message in messages[1:]} == {0}
    for message in messages[1:]:
        assert message["transcript"] == "one"
        assert message["words"] == [{"word": "one", "confidence": 0.8, "start": 0.5, "end": 0.9}]
    assert messages[-1]["trigger"] == "model"
    assert "trigger" not in messages[-2]
    [update] = told(client, AudioProgress(2.5))
    assert (update["event"], update["turn_index"], update["transcript"]) == ("Update", 1, "")
    assert (update["audio_window_start"], update["audio_window_end"]) == (2.0, 2.5)


def test_a_turn_that_starts_and_ends_at_once_is_told_as_both() -> None:
    messages = told(dialect(), SpeechStarted(audio_time=2.0, start=0.5), final(), end())
    assert events(messages) == ["StartOfTurn", "EndOfTurn"]


def test_updates_come_every_quarter_of_a_second_of_audio() -> None:
    client = started()
    assert told(client, AudioProgress(1.24), interim(1.24)) == []
    [update] = told(client, AudioProgress(1.25))
    assert (update["event"], update["transcript"]) == ("Update", "one")
    assert told(client, AudioProgress(1.3)) == []


@pytest.mark.parametrize(
    ("forced", "probability", "at", "trigger"),
    [(True, 1.0, 2.0, "manual"), (False, 1.0, 5.9, "timeout"), (False, 0.9, 5.9, "model"), (False, 1.0, 2.0, "model")],
)
def test_the_end_says_what_brought_it(forced: bool, probability: float, at: float, trigger: str) -> None:
    client = started()
    told(client, final(at, finalize_id="ForceEndTurn 1" if forced else None))
    assert told(client, end(at, probability))[0]["trigger"] == trigger


def test_a_forced_end_outside_a_turn_says_nothing() -> None:
    client = dialect()
    assert client.receive_text('{"type":"ForceEndTurn"}') == (EndTurn("ForceEndTurn 1"),)
    assert told(client, READY, final(text="", finalize_id="ForceEndTurn 1"))[1:] == []


def test_the_end_of_the_stream_is_no_end_of_the_turn() -> None:
    client = started()
    assert client.receive_text('{"type":"CloseStream"}') == (End(),)
    assert events(told(client, final(), end(probability=1.0))) == ["Update"]
    assert client.ended
    assert client.receive_text("whatever") == ()
    assert client.receive_audio(b"12") == b""
    assert client.close_code(None) == 1000


def test_a_turn_that_has_ended_before_the_stream_is_told() -> None:
    client = started()
    client.receive_text('{"type":"CloseStream"}')
    assert events(told(client, final(), end(probability=0.7))) == ["EndOfTurn"]


def test_what_flux_does_not_say_is_not_said() -> None:
    assert told(dialect(), Settled(settled=1.0), KeytermsInForce(count=1)) == []


def test_samples_may_be_cut_in_two() -> None:
    client = dialect()
    assert [client.receive_audio(data) for data in (b"1", b"23", b"4", b"", b"56")] == [b"", b"12", b"34", b"", b"56"]


def test_configure_is_answered_when_its_errors_are_known() -> None:
    client = dialect()
    update, reply = client.receive_text('{"type":"Configure","thresholds":{"eot_threshold":0.9},"keyterms":["Flux"]}')
    turn = TurnSettings("semantic", end_threshold=0.9, max_silence_ms=5000)
    assert update == Update(turn=turn, keyterms=("Flux",))
    [success] = answered(reply)
    assert success["type"] == "ConfigureSuccess"
    assert success["thresholds"] == {"eot_threshold": 0.9, "eager_eot_threshold": None, "eot_timeout_ms": 5000}
    assert success["keyterms"] == ["Flux"]


def answered(reply: Any) -> list[dict[str, Any]]:
    assert isinstance(reply, LateReply)
    return [json.loads(reply.make())]


def test_a_refused_configure_changes_nothing() -> None:
    client = dialect()
    _, reply = client.receive_text('{"type":"Configure","thresholds":{"eot_threshold":0.9},"keyterms":["Flux"]}')
    refusal = Error(code=codes.UNSUPPORTED_KEYTERMS, fault="client", fatal=False, message="takes none")
    assert told(client, refusal) == []
    [failure] = answered(reply)
    assert (failure["type"], failure["code"], failure["error_code"]) == (
        "ConfigureFailure",
        *["UNSUPPORTED_KEYTERMS"] * 2,
    )
    _, reply = client.receive_text('{"type":"Configure"}')
    assert answered(reply)[0]["thresholds"]["eot_threshold"] == 0.7


@pytest.mark.parametrize("thresholds", ['{"eot_threshold":7}', '{"eot_threshold":"x"}', "3"])
def test_a_configure_of_impossible_values_is_a_failure_and_no_update(thresholds: str) -> None:
    [reply] = dialect().receive_text(f'{{"type":"Configure","thresholds":{thresholds}}}')
    assert answered(reply)[0]["type"] == "ConfigureFailure"


def test_the_multilingual_model_names_languages() -> None:
    client = started(dialect("flux-general-multi", FluxSettings(language_hints=("en", "es"))))
    [info] = told(client, AudioProgress(2.0))
    assert (info["languages"], info["languages_hinted"]) == (["en"], ["en", "es"])
    update, reply = client.receive_text('{"type":"Configure","language_hints":["en"]}')
    assert update == Update(language="en")
    assert answered(reply)[0]["language_hints"] == ["en"]


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"type":"Finalize"}', '{"type":7}', "{}"])
def test_what_is_no_message_ends_the_stream(text: str) -> None:
    with pytest.raises(ProtocolViolation):
        dialect().receive_text(text)


def test_a_keep_alive_of_the_other_format_is_ignored() -> None:
    assert dialect().receive_text('{"type":"KeepAlive"}') == ()


@pytest.mark.parametrize(
    ("code", "fatal", "kind", "named"),
    [
        (codes.BAD_JSON, True, "Error", "UNPARSABLE_CLIENT_MESSAGE"),
        (codes.INTERNAL, True, "Error", "INTERNAL_SERVER_ERROR"),
        (codes.SHUTTING_DOWN, True, "Error", "SHUTTING_DOWN"),
        (codes.UNWRITABLE_KEYTERMS, False, "Warning", "UNWRITABLE_KEYTERMS"),
    ],
)
def test_errors_are_told_in_words(code: str, fatal: bool, kind: str, named: str) -> None:
    [message] = told(dialect(), Error(code=code, fault="client", fatal=fatal, message="why"))
    assert (message["type"], message["code"], message["description"]) == (kind, named, "why")


def test_the_close_code_is_that_of_the_error() -> None:
    assert dialect().close_code(codes.SHUTTING_DOWN) == 1011
    assert dialect().close_code(codes.BAD_AUDIO) == 1008
