from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Settled,
    SpeechStarted,
    Start,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Update,
    codec,
)
from auricle.protocol.client_messages import ENCODINGS, SAMPLE_BYTES, Encoding
from auricle.protocol.connection import check_whole_samples
from auricle.protocol.states import CLIENT_MOVES, SERVER_MOVES, ClientState, FatalError, ServerState
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


# --- what a client may say when --------------------------------------------------------------------------------------

CLIENT_WORDS: dict[type, str | bytes] = {
    Start: '{"type":"start"}',
    AudioReceived: b"\0\0",
    Update: '{"type":"update"}',
    Finalize: '{"type":"finalize","id":"a"}',
    End: '{"type":"end"}',
}
WAYS_TO: dict[ClientState, list[type]] = {
    ClientState.OPENING: [],
    ClientState.STREAMING: [Start],
    ClientState.ENDED: [Start, End],
}
WRONG = {ClientState.OPENING: "not_started", ClientState.STREAMING: "already_started", ClientState.ENDED: "after_end"}


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(ClientState, CLIENT_WORDS)))
def test_a_server_takes_exactly_the_moves_of_the_table(state: ClientState, kind: type) -> None:
    pair = Pair()
    for step in WAYS_TO[state]:
        pair.to_server(CLIENT_WORDS[step])
    if (state, kind) in CLIENT_MOVES:
        assert [type(said) for said in pair.to_server(CLIENT_WORDS[kind])] == [kind]
    else:
        assert code_of(lambda: pair.to_server(CLIENT_WORDS[kind])) == WRONG[state]


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(ClientState, CLIENT_WORDS)))
def test_a_client_is_stopped_before_it_says_what_the_server_would_refuse(state: ClientState, kind: type) -> None:
    connection = ClientConnection()
    say: dict[type, Callable[[], object]] = {
        Start: lambda: connection.start(Start()),
        AudioReceived: lambda: connection.audio(b"\0\0"),
        Update: lambda: connection.update(Update()),
        Finalize: lambda: connection.finalize("a"),
        End: connection.end,
    }
    for step in WAYS_TO[state]:
        say[step]()
    if (state, kind) in CLIENT_MOVES:
        say[kind]()
    else:
        assert code_of(say[kind]) == WRONG[state]


# --- what a server may answer when -----------------------------------------------------------------------------------

FATAL = Error(code="internal", fault="server", fatal=True, message="m")
SERVER_WORDS: dict[type, ServerEvent] = {
    Ready: READY,
    SpeechStarted: SpeechStarted(start=0.0),
    Interim: Interim(text="hi", start=0.0, end=0.1, language="en"),
    Final: final(),
    Settled: Settled(settled=1.0),
    TurnEagerEnd: TurnEagerEnd(probability=0.5, speech_end=0.1, text="hi"),
    TurnResumed: TurnResumed(probability=0.5),
    TurnEnd: TurnEnd(probability=1.0, speech_end=0.1, text="hi"),
    Error: Error(code="unsupported_latency", fault="client", fatal=False, message="m"),
    FatalError: FATAL,
}
ANSWERS_TO: dict[ServerState, list[ServerEvent]] = {
    ServerState.WAITING: [],
    ServerState.READY: [READY],
    ServerState.FAILED: [READY, FATAL],
}


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(ServerState, SERVER_WORDS)))
def test_both_ends_hold_the_server_to_its_table(state: ServerState, kind: type) -> None:
    pair = Pair()
    pair.to_server(pair.client.start(Start()))
    for event in ANSWERS_TO[state]:
        pair.to_client(event)
    event = SERVER_WORDS[kind]
    if (state, kind) in SERVER_MOVES:
        assert pair.to_client(event) is not None
        return
    assert code_of(lambda: pair.server.send(event)) == "unexpected_event"
    assert code_of(lambda: pair.client.receive_text(codec.encode_event(event))) == "unexpected_event"


def test_before_a_start_a_server_can_only_fail() -> None:
    server = ServerConnection()
    assert code_of(lambda: server.send(READY)) == "unexpected_event"
    text, close_code = failure(server, "not_started", "the first message must be a start")
    assert '"code":"not_started"' in text
    assert close_code == 1002


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


@pytest.mark.parametrize("code", CODES)
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


@given(st.lists(st.sampled_from(list(CLIENT_WORDS.values())) | st.text(max_size=8) | st.binary(max_size=3), max_size=8))
def test_whatever_arrives_in_whatever_order_is_taken_or_a_violation(data: list[str | bytes]) -> None:
    pair = Pair()
    for each in data:
        try:
            pair.to_server(each)
        except ProtocolViolation as violation:
            failure(pair.server, violation.code, violation.message)
