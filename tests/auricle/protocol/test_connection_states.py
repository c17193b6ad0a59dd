"""Both ends of a connection allow what the tables of states allow, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.protocol import (
    AudioReceived,
    ClientConnection,
    End,
    Error,
    Final,
    Finalize,
    Interim,
    KeytermsInForce,
    NoWords,
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
from auricle.protocol.states import CLIENT_MOVES, SERVER_MOVES, ClientState, FatalError, ServerState
from tests.auricle.protocol.test_connection import READY, Pair, code_of, final
from tests.support.server_events import failure

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


FATAL = Error(code="internal", fault="server", fatal=True, message="m")


SERVER_WORDS: dict[type, ServerEvent] = {
    Ready: READY,
    SpeechStarted: SpeechStarted(start=0.0),
    Interim: Interim(text="hi", start=0.0, end=0.1, language="en"),
    Final: final(),
    NoWords: NoWords(start=0.2, end=0.9),
    Settled: Settled(settled=1.0),
    TurnEagerEnd: TurnEagerEnd(probability=0.5, speech_end=0.1, text="hi"),
    TurnResumed: TurnResumed(probability=0.5),
    TurnEnd: TurnEnd(probability=1.0, speech_end=0.1, text="hi"),
    KeytermsInForce: KeytermsInForce(count=2),
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


@given(st.lists(st.sampled_from(list(CLIENT_WORDS.values())) | st.text(max_size=8) | st.binary(max_size=3), max_size=8))
def test_whatever_arrives_in_whatever_order_is_taken_or_a_violation(data: list[str | bytes]) -> None:
    pair = Pair()
    for each in data:
        try:
            pair.to_server(each)
        except ProtocolViolation as violation:
            failure(pair.server, violation.code, violation.message)
