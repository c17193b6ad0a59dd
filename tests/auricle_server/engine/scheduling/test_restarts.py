"""When a state starts anew, row by row, without an engine."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.cures import Cures
from auricle_server.engine.scheduling.batch_rows import BatchRows
from auricle_server.engine.scheduling.restarts import REWIND, WATCH_MARGIN, RestartFrames, Restarts

SIZES = (1, 2, 7, 14)
SLOT = 2
ONE = np.array([SLOT])
YES = np.array([True])


def row(position: int, frames: int = 1, *, whole: bool = True) -> BatchRows:
    zeros = np.zeros(1, np.int64)
    rest = zeros, zeros, zeros, zeros, np.array([whole]), zeros, np.array([False]), zeros, zeros
    return BatchRows(frames, ONE, np.array([position]), zeros, *rest)


def made(**frames: int) -> Restarts:
    restarts = Restarts(4, RestartFrames(**frames), SIZES)
    restarts.open(SLOT)
    return restarts


def observe(restarts: Restarts, position: int, token: int = -1, *, whole: bool = True) -> list[int]:
    restarted, _ = restarts.observe(row(position, whole=whole), np.array([token]), YES)
    return list(map(int, restarted))


def test_seconds_become_frames() -> None:
    assert RestartFrames.of(Cures(1.12, 20, 2), 0.08) == RestartFrames(14, 250, 25)


@pytest.mark.parametrize(
    ("frames", "kept"),
    [
        (RestartFrames(warm_up=14), 0),
        (RestartFrames(refresh=60), REWIND + 14),
        (RestartFrames(watch=25), 25 + WATCH_MARGIN + 14),
    ],
)
def test_only_restarts_need_audio_to_be_kept(frames: RestartFrames, kept: int) -> None:
    assert frames.kept(14) == kept
    assert Restarts(1, frames, SIZES).active == (kept > 0)


def test_a_run_without_a_token_restarts_with_the_row_after_it() -> None:
    restarts = made(refresh=60)
    for position in range(60):
        assert observe(restarts, position) == []
    assert observe(restarts, 60) == [SLOT]
    assert restarts.restart(SLOT, 61, 0) == 60 - REWIND
    assert (restarts.origin[SLOT], restarts.count) == (60 - REWIND, 1)


def test_a_token_in_that_row_cancels_the_restart_and_the_count_begins_anew() -> None:
    restarts = made(refresh=60)
    for position in range(60):
        observe(restarts, position)
    assert observe(restarts, 60, token=60) == []
    for position in range(61, 61 + 60):
        assert observe(restarts, position) == []
    assert observe(restarts, 121) == [SLOT]


def test_a_restart_never_reaches_back_to_a_token() -> None:
    restarts = made(refresh=20)
    observe(restarts, 5, token=5)
    assert [position for position in range(6, 27) if observe(restarts, position)] == [26]
    assert restarts.restart(SLOT, 27, 0) == 6


def test_a_flush_decides_nothing_but_its_tokens_count() -> None:
    restarts = made(refresh=60)
    for position in range(59):
        observe(restarts, position)
    for _ in range(5):
        assert observe(restarts, 59, whole=False) == []
    observe(restarts, 59, token=59, whole=False)
    assert observe(restarts, 59) == observe(restarts, 60) == []


def test_a_row_in_flight_holds_the_next_one_while_a_restart_is_decided() -> None:
    restarts = made(refresh=60)
    restarts.hold(ONE)
    assert not restarts.held[SLOT]
    for position in range(60):
        observe(restarts, position)
    restarts.hold(ONE)
    assert restarts.held[SLOT]
    restarted, released = restarts.observe(row(60), np.array([60]), YES)
    assert (restarted.tolist(), released.tolist(), bool(restarts.held[SLOT])) == ([], [SLOT], False)


def test_what_a_former_stream_of_the_slot_brings_is_ignored() -> None:
    restarts = made(refresh=60)
    assert restarts.request(SLOT, 3)
    restarted, released = restarts.observe(row(9), np.array([9]), ~YES)
    assert (restarted.tolist(), released.tolist()) == ([], [])
    assert observe(restarts, 9) == [SLOT]


def test_a_request_is_refused_when_a_token_has_come_since() -> None:
    restarts = made(watch=25)
    observe(restarts, 30, token=30)
    assert not restarts.request(SLOT, 30)
    assert restarts.request(SLOT, 31)
    assert restarts.request(SLOT, 40)
    assert restarts.restart(SLOT, 50, 0) == 31


@pytest.mark.parametrize(("asked", "earliest", "target"), [(10, 0, 10), (10, 20, 20), (70, 0, 50)])
def test_a_restart_keeps_to_the_audio_that_there_is(asked: int, earliest: int, target: int) -> None:
    restarts = made(watch=25, warm_up=14)
    restarts.request(SLOT, asked)
    assert restarts.restart(SLOT, 50, earliest) == target
    assert restarts.origin[SLOT] == target - 14


def test_audio_that_is_decoded_again_goes_in_few_rows() -> None:
    restarts = made(refresh=60)
    restarts.request(SLOT, 20)
    restarts.restart(SLOT, 50, 0)
    position, sizes = 20, []
    while restarts.decodes_again(ONE, np.array([position]))[0]:
        sizes.append(restarts.row_frames(SLOT, position, 7))
        position += sizes[-1]
    assert sizes == [14, 14, 2]
    assert restarts.row_frames(SLOT, position, 7) == 7


def test_no_row_reaches_past_a_decision() -> None:
    restarts = made(refresh=60)
    assert [restarts.most_chunks(SLOT, position, 14) for position in (0, 14, 28, 56, 70)] == [5, 4, 3, 1, 1]
    observe(restarts, 20, token=20)
    assert restarts.most_chunks(SLOT, 28, 14) == 4
    restarts.request(SLOT, 28)
    assert restarts.most_chunks(SLOT, 42, 14) == 1
    restarts.restart(SLOT, 56, 0)
    assert [restarts.most_chunks(SLOT, position, 14) for position in (28, 42, 56, 70)] == [1, 1, 5, 4]
    assert made(watch=25).most_chunks(SLOT, 0, 14) > 1000


def test_a_new_stream_has_no_past() -> None:
    restarts = made(refresh=60, warm_up=14)
    restarts.request(SLOT, 20)
    restarts.restart(SLOT, 50, 0)
    restarts.request(SLOT, 60)
    restarts.hold(ONE)
    restarts.open(SLOT)
    assert (restarts.origin[SLOT], bool(restarts.held[SLOT])) == (-14, False)
    assert not restarts.decodes_again(ONE, np.array([0]))[0]
    assert observe(restarts, 0) == []
