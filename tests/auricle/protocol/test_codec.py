from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.protocol import (
    ClientMessage,
    Error,
    Final,
    LanguageSpan,
    Limits,
    ProtocolViolation,
    Ready,
    Replacement,
    ServerEvent,
    Start,
    TextFormat,
    TurnEnd,
    TurnSettings,
    Update,
    Word,
    codec,
)
from tests.auricle.protocol.strategies import client_messages, server_events


@given(client_messages)
def test_client_messages_survive_the_round_trip(message: ClientMessage) -> None:
    assert codec.decode_client(codec.encode_client(message)) == message


@given(server_events)
def test_server_events_survive_the_round_trip(event: ServerEvent) -> None:
    assert codec.decode_event(codec.encode_event(event)) == event


def test_the_wire_is_plain_json_with_the_attribute_names() -> None:
    final = Final(seq=7, audio_time=1.6, text="Grüß Gott.", start=0.1, end=0.9, language="de-DE", settled=1.6)
    text = codec.encode_event(final)
    assert "Grüß" in text
    assert json.loads(text) == {
        "type": "final",
        "seq": 7,
        "audio_time": 1.6,
        "text": "Grüß Gott.",
        "start": 0.1,
        "end": 0.9,
        "language": "de-DE",
        "words": [],
        "settled": 1.6,
        "refined": False,
    }


def test_a_client_that_wants_nothing_new_says_nothing_that_an_older_server_would_refuse() -> None:
    turn = TurnSettings("silence", 700, 200)
    known = {"mode": "silence", "silence_ms": 700, "eager_silence_ms": 200}
    start = json.loads(codec.encode_client(Start(turn=turn)))
    assert start == {
        "type": "start",
        "version": 1,
        "encoding": "pcm_s16le",
        "sample_rate": 16_000,
        "turn": known,
        "keyterms": [],
        "words": True,
    }
    assert json.loads(codec.encode_client(Update(turn=turn))) == {"type": "update", "turn": known}


def test_an_older_server_says_nothing_of_backchannels_and_dictation() -> None:
    event = codec.decode_event('{"type":"turn_end","probability":1,"speech_end":1,"text":"okay"}')
    assert event == TurnEnd(probability=1.0, speech_end=1.0, text="okay", backchannel=None, collected="")


def test_what_is_new_is_said_where_it_is_wanted() -> None:
    turn = TurnSettings("semantic", end_threshold=0.7, max_silence_ms=1_500)
    assert not {"max_turn_seconds", "expect", "no_words"} & set(
        json.loads(codec.encode_client(Start(turn=turn)))["turn"]
    )
    start = json.loads(codec.encode_client(Start(turn=turn, refine="auto")))
    assert start["refine"] == "auto"
    assert start["turn"] == {"mode": "semantic", "silence_ms": 500, "end_threshold": 0.7, "max_silence_ms": 1_500}
    turn = TurnSettings("off", max_turn_seconds=20, expect="digits", no_words=True)
    said = json.loads(codec.encode_client(Update(turn=turn)))["turn"]
    assert (said["max_turn_seconds"], said["expect"], said["no_words"]) == (20, "digits", True)
    smart = TextFormat("smart", replace=(Replacement("uh"),))
    said = json.loads(codec.encode_client(Start(text_format=smart)))["text_format"]
    words = [{"search": "uh", "replacement": ""}]
    assert said == {"numbers": "smart", "profanity_filter": False, "replace": words}
    assert "text_format" not in json.loads(codec.encode_client(Start()))
    # What an update leaves out stays as it is, so the default is said there.
    assert json.loads(codec.encode_client(Update(refine="off"))) == {"type": "update", "refine": "off"}


def test_a_start_needs_nothing_but_its_type() -> None:
    assert codec.decode_client('{"type":"start"}') == Start()


BAD_CLIENT_TEXTS = [
    ("", "bad_json"),
    ("{", "bad_json"),
    ("null", "bad_json"),
    ('"start"', "bad_json"),
    ("[1]", "bad_json"),
    ("[" * 100_000, "bad_json"),
    ('{"type":"start","sample_rate":' + "1" * 10_000 + "}", "bad_json"),
    ('{"type":"start","sample_rate":NaN}', "bad_json"),
    ('{"type":"start","sample_rate":-Infinity}', "bad_json"),
    ("{}", "unknown_message"),
    ('{"type":7}', "unknown_message"),
    ('{"type":null}', "unknown_message"),
    ('{"type":"begin"}', "unknown_message"),
    ('{"type":"ready"}', "unknown_message"),
    ('{"type":"start","version":2}', "unsupported_version"),
    ('{"type":"start","version":2,"field_of_version_2":1}', "unsupported_version"),
    ('{"type":"start","version":"1"}', "invalid_field"),
    ('{"type":"start","version":true}', "invalid_field"),
    ('{"type":"start","version":null}', "invalid_field"),
    ('{"type":"start","colour":"red"}', "invalid_field"),
    ('{"type":"start","encoding":"opus"}', "invalid_field"),
    ('{"type":"start","encoding":["pcm_s16le"]}', "invalid_field"),
    ('{"type":"start","sample_rate":7999}', "invalid_field"),
    ('{"type":"start","sample_rate":48001}', "invalid_field"),
    ('{"type":"start","sample_rate":16000.0}', "invalid_field"),
    ('{"type":"start","sample_rate":"16000"}', "invalid_field"),
    ('{"type":"start","sample_rate":null}', "invalid_field"),
    ('{"type":"start","latency_ms":0}', "invalid_field"),
    ('{"type":"start","latency_ms":true}', "invalid_field"),
    ('{"type":"start","language":5}', "invalid_field"),
    ('{"type":"start","language":"\\ud800"}', "invalid_field"),
    ('{"type":"start","keyterms":"one"}', "invalid_field"),
    ('{"type":"start","keyterms":["one",2]}', "invalid_field"),
    ('{"type":"start","words":1}', "invalid_field"),
    ('{"type":"start","turn":"off"}', "invalid_field"),
    ('{"type":"start","turn":{"mode":"vad"}}', "invalid_field"),
    ('{"type":"start","turn":{"silence_ms":79}}', "invalid_field"),
    ('{"type":"start","turn":{"silence":500}}', "invalid_field"),
    ('{"type":"start","turn":{"max_turn_seconds":1e999}}', "invalid_field"),
    ('{"type":"start","turn":{"max_turn_seconds":"20"}}', "invalid_field"),
    ('{"type":"start","turn":{"max_turn_seconds":0}}', "invalid_field"),
    ('{"type":"start","turn":{"expect":null}}', "invalid_field"),
    ('{"type":"start","turn":{"expect":["digits"]}}', "invalid_field"),
    ('{"type":"update","turn":{"no_words":1}}', "invalid_field"),
    ('{"type":"update","sample_rate":16000}', "invalid_field"),
    ('{"type":"update","turn":{"silence_ms":10001}}', "invalid_field"),
    ('{"type":"finalize"}', "invalid_field"),
    ('{"type":"finalize","id":""}', "invalid_field"),
    ('{"type":"finalize","id":5}', "invalid_field"),
    ('{"type":"finalize","id":"' + "x" * 129 + '"}', "invalid_field"),
    ('{"type":"end","now":true}', "invalid_field"),
]


@pytest.mark.parametrize(("text", "code"), BAD_CLIENT_TEXTS, ids=lambda value: str(value)[:40])
def test_what_a_server_cannot_take_has_a_stable_code(text: str, code: str) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        codec.decode_client(text)
    assert caught.value.code == code
    assert 0 < len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"type":"start","turn":{"silence_ms":"long"}}', "turn.silence_ms"),
        ('{"type":"start","turn":{"mode":"vad"}}', "turn.mode"),
        ('{"type":"start","turn":{"expect":"words"}}', "turn.expect"),
        ('{"type":"start","keyterms":["a",null]}', "keyterms[1]"),
        ('{"type":"finalize"}', "id"),
    ],
)
def test_the_sentence_names_the_field(text: str, path: str) -> None:
    with pytest.raises(ProtocolViolation, match="invalid_field") as caught:
        codec.decode_client(text)
    assert caught.value.message.startswith(f"{path}: ")


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=4), scalars, max_size=2)
field_names = st.sampled_from(
    ["version", "encoding", "sample_rate", "latency_ms", "language", "turn", "keyterms", "id"]
)


@given(st.sampled_from(["start", "update", "finalize", "end"]), st.dictionaries(field_names, json_values, max_size=4))
def test_whatever_a_client_puts_into_fields_is_a_message_or_a_violation(kind: str, values: dict[str, Any]) -> None:
    outcome = decoded_or_code(json.dumps({"type": kind, **values}))
    if isinstance(outcome, str):
        assert outcome in {"bad_json", "invalid_field", "unsupported_version"}
    else:
        codec.encode_client(outcome).encode()


def decoded_or_code(text: str) -> ClientMessage | str:
    try:
        return codec.decode_client(text)
    except ProtocolViolation as violation:
        return violation.code


@given(st.text(max_size=60))
def test_whatever_a_client_writes_is_a_message_or_a_violation(text: str) -> None:
    with pytest.raises(ProtocolViolation):
        codec.decode_client(text)


def test_a_client_skips_what_a_newer_server_adds() -> None:
    assert codec.decode_event('{"type":"weather","seq":3}') is None
    text = '{"type":"speech_started","seq":2,"audio_time":1,"start":0.5,"mood":"good"}'
    event = codec.decode_event(text)
    assert event is not None
    assert (event.seq, event.audio_time) == (2, 1.0)


def test_a_client_skips_new_fields_of_nested_objects() -> None:
    word = {"text": "hi", "start": 0, "end": 1, "confidence": 0.5, "speaker": 3}
    text = json.dumps(
        {"type": "final", "text": "hi", "start": 0, "end": 1, "language": "en", "settled": 1, "words": [word]}
    )
    event = codec.decode_event(text)
    assert isinstance(event, Final)
    assert event.words == (Word("hi", 0.0, 1.0, 0.5),)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_json"),
        ("{}", "unknown_message"),
        ('{"type":"speech_started"}', "invalid_field"),
        ('{"type":"speech_started","start":"now"}', "invalid_field"),
        ('{"type":"speech_started","start":true}', "invalid_field"),
        ('{"type":"speech_started","start":1e999}', "invalid_field"),
        ('{"type":"speech_started","start":1' + "0" * 400 + "}", "invalid_field"),
        ('{"type":"error","code":"x","fault":"nobody","fatal":true,"message":""}', "invalid_field"),
    ],
)
def test_what_a_client_cannot_take_has_a_stable_code(text: str, code: str) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        codec.decode_event(text)
    assert caught.value.code == code


def test_numbers_may_be_whole() -> None:
    limits = Limits(message_bytes=1, buffered_seconds=2.0, stream_seconds=3.0, idle_seconds=4.0)
    ready = Ready(
        session="s", model="m", latencies_ms=(80,), languages=("en",), latency_ms=80, language="en", limits=limits
    )
    decoded = codec.decode_event(codec.encode_event(ready).replace("2.0", "2"))
    assert decoded == ready


def test_clients_of_before_see_where_a_language_changes_only_where_it_does() -> None:
    final = Final(text="ja yes", start=0.0, end=1.0, language="de-DE", settled=1.0)
    assert "languages" not in codec.encode_event(final)
    mixed = replace(final, languages=(LanguageSpan("de-DE", 0.0), LanguageSpan("en-US", 0.5)))
    assert '"languages":[{"language":"de-DE","start":0.0},' in codec.encode_event(mixed)


def test_an_error_of_a_newer_server_keeps_its_unknown_code() -> None:
    event = codec.decode_event('{"type":"error","code":"moon_phase","fault":"server","fatal":false,"message":"full"}')
    assert isinstance(event, Error)
    assert event.code == "moon_phase"
