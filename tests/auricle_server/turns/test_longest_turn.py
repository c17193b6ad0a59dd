from __future__ import annotations

from auricle_server.turns.longest_turn import GRACE, LongestTurn

SECOND = 16_000


def test_a_turn_is_over_once_it_is_as_old_as_asked() -> None:
    turn = LongestTurn(5.0)
    assert not turn.is_over(100 * SECOND), "no turn is open"
    turn.start = 2 * SECOND
    assert not turn.is_over(7 * SECOND - 1)
    assert turn.is_over(7 * SECOND)
    assert not turn.must_be_cut(7 * SECOND)
    assert turn.must_be_cut(7 * SECOND + GRACE)


def test_a_turn_without_a_bound_is_never_over() -> None:
    turn = LongestTurn(None)
    turn.start = 0
    assert not turn.is_over(10**9)
    assert not turn.must_be_cut(10**9)


def test_a_turn_is_cut_in_its_younger_half() -> None:
    turn = LongestTurn(4.0)
    turn.start = 0
    assert turn.earliest_border(4 * SECOND) == 2 * SECOND
