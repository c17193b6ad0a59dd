"""The tables are the protocol: what they allow, and that nothing is missing from them."""

from __future__ import annotations

from typing import get_args

from auricle.protocol import ClientMessage, ServerEvent, codes
from auricle.protocol.states import (
    CLIENT_MOVES,
    SERVER_MOVES,
    WRONG_MOVES,
    AudioReceived,
    ClientState,
    FatalError,
    ServerState,
)


def test_every_message_has_a_state_in_which_it_may_be_sent() -> None:
    assert {kind for _, kind in CLIENT_MOVES} == {*get_args(ClientMessage), AudioReceived}
    assert {kind for _, kind in SERVER_MOVES} == {*get_args(ServerEvent), FatalError}


def test_nothing_follows_an_end_or_a_fatal_error() -> None:
    assert not any(state is ClientState.ENDED for state, _ in CLIENT_MOVES)
    assert not any(state is ServerState.FAILED for state, _ in SERVER_MOVES)


def test_only_a_fatal_error_fails_a_stream() -> None:
    assert {kind for (_, kind), after in SERVER_MOVES.items() if after is ServerState.FAILED} == {FatalError}


def test_every_state_of_the_client_has_an_error_for_wrong_messages() -> None:
    assert set(WRONG_MOVES) == set(ClientState)
    assert set(WRONG_MOVES.values()) <= set(codes.CODES)
