from __future__ import annotations

from collections.abc import Callable

import pytest

from auricle.protocol import (
    CODES,
    AudioReceived,
    ClientConnection,
    ClientMessage,
    End,
    Error,
    Final,
    Finalize,
    Interim,
    Limits,
    ProtocolViolation,
    Ready,
    ServerConnection,
    ServerEvent,
    SpeechStarted,
    Start,
    Update,
)
from auricle.protocol.client_messages import ENCODINGS, SAMPLE_BYTES, Encoding
from auricle.protocol.codes import NOTICES
from auricle.protocol.connection import check_whole_samples
from tests.support.server_events import failure, refusal

LIMITS = Limits(message_bytes=1_000, buffered_seconds=2.0, stream_seconds=60.0, idle_seconds=5.0)
READY = Ready(
    session="s", model="m", latencies_ms=(80,), languages=("en",), latency_ms=80, language="en", limits=LIMITS
)


def final(finalize_id: str | None = None) -> Final:
    return Final(text="hi", start=0.0, end=0.3, language="en", finalize_id=finalize_id, settled=0.5)


class Pair:
    """Both ends of a connection in memory; what one sends the other receives at once."""

    def __init__(self, start: Start | None = None) -> None:
        self.client, self.server = ClientConnection(), ServerConnection(message_bytes=1_000)
        if start is not None:
            self.to_server(self.client.start(start))
            self.to_client(READY)

    def to_server(self, data: str | bytes) -> list[ClientMessage | AudioReceived]:
        return self.server.receive_text(data) if isinstance(data, str) else self.server.receive_binary(data)

    def to_client(self, event: ServerEvent) -> ServerEvent | None:
        return self.client.receive_text(self.server.send(event))


def code_of(action: Callable[[], object]) -> str:
    with pytest.raises(ProtocolViolation) as caught:
        action()
    return caught.value.code


def test_a_whole_conversation() -> None:
    pair = Pair(Start(latency_ms=80))
    assert pair.server.start == Start(latency_ms=80)
    assert pair.client.ready
    assert pair.to_server(pair.client.audio(b"\1\0\2\0")) == [AudioReceived(b"\1\0\2\0")]
    assert pair.to_server(pair.client.update(Update(latency_ms=160))) == [Update(latency_ms=160)]
    assert pair.to_server(pair.client.finalize("a")) == [Finalize("a")]
    heard = pair.to_client(final("a"))
    assert heard is not None
    assert heard.seq == 2
    assert pair.to_server(pair.client.end()) == [End()]
    assert pair.server.ended
    assert pair.client.ended
    assert pair.to_client(final()) is not None


def test_events_are_numbered_from_one() -> None:
    pair = Pair()
    pair.to_server(pair.client.start(Start()))
    events: list[ServerEvent] = [
        READY,
        SpeechStarted(start=0.1),
        Interim(text="hi", start=0.1, end=0.2, language="en"),
        final(),
    ]
    assert [getattr(pair.to_client(event), "seq", None) for event in events] == [1, 2, 3, 4]


# --- what a server may answer when -----------------------------------------------------------------------------------


def test_a_client_refuses_events_that_do_not_advance() -> None:
    pair = Pair(Start())
    text = pair.server.send(SpeechStarted(start=0.0))
    assert pair.client.receive_text(text) is not None
    assert code_of(lambda: pair.client.receive_text(text)) == "unexpected_event"


def test_a_client_skips_events_that_it_does_not_know() -> None:
    assert Pair(Start()).client.receive_text('{"type":"weather","seq":2}') is None


# --- finalizes -------------------------------------------------------------------------------------------------------


def test_a_finalize_is_answered_once() -> None:
    pair = Pair(Start())
    pair.to_server(pair.client.finalize("a"))
    pair.to_client(final("a"))
    assert code_of(lambda: pair.to_client(final("a"))) == "unexpected_event"


def test_a_final_answers_nothing_that_was_not_asked() -> None:
    assert code_of(lambda: Pair(Start()).to_client(final("b"))) == "unexpected_event"


def test_an_id_is_free_again_once_it_is_answered() -> None:
    pair = Pair(Start())
    pair.to_server(pair.client.finalize("a"))
    assert code_of(lambda: pair.client.finalize("a")) == "invalid_field"
    pair.to_client(final("a"))
    assert pair.to_server(pair.client.finalize("a")) == [Finalize("a")]


@pytest.mark.parametrize("bad", ["", "x" * 129])
def test_a_bad_id_does_not_leave_the_client(bad: str) -> None:
    assert code_of(lambda: Pair(Start()).client.finalize(bad)) == "invalid_field"


# --- audio and sizes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_audio_ends_with_a_whole_sample(encoding: Encoding) -> None:
    check_whole_samples(b"", encoding)
    check_whole_samples(bytes(3 * SAMPLE_BYTES[encoding]), encoding)
    if SAMPLE_BYTES[encoding] > 1:
        with pytest.raises(ProtocolViolation, match="3 bytes are not a whole number of 2-byte pcm_s16le") as caught:
            check_whole_samples(bytes(3), encoding)
        assert caught.value.code == "bad_audio"


def test_half_a_sample_is_bad_audio_at_both_ends() -> None:
    pair = Pair(Start())
    assert code_of(lambda: pair.to_server(b"\0\0\0")) == "bad_audio"
    assert code_of(lambda: pair.client.audio(b"\0")) == "bad_audio"


def test_telephone_samples_are_single_bytes() -> None:
    assert Pair(Start(encoding="mulaw")).to_server(b"\0\0\0") == [AudioReceived(b"\0\0\0")]


def test_an_empty_message_brings_no_audio_but_needs_a_start() -> None:
    assert Pair(Start()).to_server(b"") == []
    assert code_of(lambda: ServerConnection().receive_binary(b"")) == "not_started"


def test_messages_may_be_as_big_as_the_limit_and_no_bigger() -> None:
    pair = Pair(Start())
    assert pair.to_server(bytes(1_000)) == [AudioReceived(bytes(1_000))]
    assert code_of(lambda: pair.to_server(bytes(1_002))) == "message_too_big"


def test_texts_are_measured_in_bytes() -> None:
    pair = Pair(Start())
    padding = " " * (1_000 - len('{"type":"update"}'))
    assert pair.to_server('{"type":"update"}' + padding) == [Update()]
    assert code_of(lambda: pair.to_server('{"type":"update"}' + padding + " ")) == "message_too_big"
    assert code_of(lambda: pair.to_server('{"type":"update","language":"' + "ü" * 600 + '"}')) == "message_too_big"


# --- failing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(CODES.keys() - NOTICES))
def test_failing_says_whose_fault_it_is_and_how_to_close(code: str) -> None:
    pair = Pair(Start())
    text, close_code = failure(pair.server, code, "a sentence", audio_time=1.5)
    event = pair.client.receive_text(text)
    assert event == Error(seq=2, audio_time=1.5, code=code, fault=CODES[code].fault, fatal=True, message="a sentence")
    assert close_code == CODES[code].close_code
    assert pair.server.failed
    assert not pair.client.ready


def test_after_failing_a_server_makes_nothing_of_what_still_arrives() -> None:
    pair = Pair(Start())
    failure(pair.server, "internal", "m")
    assert pair.to_server("{") == []
    assert pair.to_server(b"\0") == []
    assert code_of(lambda: failure(pair.server, "internal", "again")) == "unexpected_event"


def test_refusing_an_update_leaves_the_stream_as_it_was() -> None:
    pair = Pair(Start())
    event = pair.client.receive_text(refusal(pair.server, "unsupported_latency", "80 or 160", audio_time=2.0))
    assert event == Error(
        seq=2, audio_time=2.0, code="unsupported_latency", fault="client", fatal=False, message="80 or 160"
    )
    assert pair.to_server(pair.client.audio(b"\0\0")) == [AudioReceived(b"\0\0")]
