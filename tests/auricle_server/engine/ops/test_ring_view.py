from __future__ import annotations

import torch

from auricle_server.engine.ops import CacheRows
from auricle_server.engine.ops.ring_view import RingView

LEFT = 5


def view(position: int, valid: int, frames: int = 2, reach: int = LEFT, chunk: int = 0) -> RingView:
    one = torch.tensor([1])
    return RingView.of(CacheRows(one, one, one * position, one * valid, reach, LEFT, chunk), frames, heads=1)


def visible(view: RingView) -> list[list[bool]]:
    return (view.hidden[0, 0] == 0).tolist()


def test_ring_rows_hold_the_frames_before_the_chunk() -> None:
    assert visible(view(position=3, valid=2)) == [[True, True, True, False, False, True, True]]
    assert visible(view(position=12, valid=2)) == [[True] * 7]


def test_frames_beyond_the_reach_and_after_the_end_are_hidden() -> None:
    # At frame 12 ring row 1 holds frame 11 and row 0 frame 10; a reach of two frames sees just these.
    assert visible(view(position=12, valid=1, reach=2)) == [[True, True, False, False, False, True, False]]


def test_a_query_that_sees_no_key_is_blind() -> None:
    blind = view(position=0, valid=0).blind
    assert blind is not None
    assert blind.all()
    assert view(position=0, valid=1).blind is None


def test_distances_are_counted_from_the_farthest() -> None:
    found = view(position=12, valid=2).index[0, 0]
    # R = left + 2 c - 1 = 8 distances; a query and its own key have distance 0, index left + c - 1 = 6.
    assert found[0, LEFT] == found[1, LEFT + 1] == LEFT + 2 - 1
    assert found[1, LEFT] == LEFT + 2 - 2
    assert found[0, 1] == LEFT + 2 - 2  # frame 11, one before the query


def test_each_chunk_of_a_row_of_several_sees_itself_and_its_reach() -> None:
    rows = visible(view(position=10, valid=4, frames=4, reach=2, chunk=2))
    own = [row[LEFT:] for row in rows]
    assert own[0] == own[1] == [True, True, False, False]
    assert own[2] == own[3] == [True, True, True, True]
    assert [sum(row[:LEFT]) for row in rows] == [2, 2, 0, 0]


def test_the_chunk_is_written_over_the_oldest_frames() -> None:
    pool = torch.zeros(2, 1, LEFT, 1)
    view(position=4, valid=2).append(pool, torch.tensor([[[[7.0], [8.0]]]]))
    assert pool[1, 0, :, 0].tolist() == [8, 0, 0, 0, 7]
    assert not pool[0].any()
