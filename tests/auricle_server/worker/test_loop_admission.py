"""The worker admits no more streams than it has time for."""

from __future__ import annotations

import pytest

from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import (
    CloseStream,
    FlushStream,
    OpenStream,
    SettingsUpdate,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    UpdateStream,
)
from auricle_server.worker.admission import Admission, StepCalibration, StepTiming
from auricle_server.worker.loop import GATEWAY_SILENCE_SECONDS
from tests.auricle_server.fake_engine import speech
from tests.auricle_server.worker.test_loop import A, Audio, B, Bench, opened, streams


@pytest.fixture
def tight() -> Bench:
    """Time for two streams of 80 ms, or for four of 160 ms."""
    steps = tuple(StepTiming(latency, rows, 0.03 * rows) for latency in (80, 160) for rows in (1, 2, 4))
    bench = Bench(8, Admission((80, 160), 0.8, StepCalibration(steps)))
    bench.tick(A)
    return bench


def test_a_stream_for_which_there_is_no_time_is_refused(tight: Bench) -> None:
    told = tight.tick(A, *(opened(stream) for stream in range(4)))
    assert streams(told, StreamOpened) == [0, 1]
    assert [(item.stream, item.code) for item in told if isinstance(item, StreamFailure)] == [
        (2, "server_full"),
        (3, "server_full"),
    ]
    tight.tick(A, CloseStream(0))
    assert streams(tight.tick(B, OpenStream(1, 160, "en-US")), StreamOpened) == [1]
    assert tight.engine.slots_used == 2
    tight.tick(A, FlushStream(1, 1, last=True))
    assert streams(tight.tick(A, opened(7)), StreamOpened) == [7]


def test_a_start_that_no_longer_fits_fails(tight: Bench) -> None:
    tight.tick(A, *(OpenStream(stream, 160, "en-US") for stream in range(4)))
    [failed] = tight.tick(A, UpdateStream(3, SettingsUpdate(latency_ms=80), starting=True))
    assert isinstance(failed, StreamFailure)
    assert (failed.stream, failed.code) == (3, "server_full")
    assert tight.engine.slots_used == 3
    assert tight.tick(A, UpdateStream(2, SettingsUpdate(latency_ms=80), starting=True)) == []


def test_a_change_that_does_not_fit_leaves_the_stream_as_it_was(tight: Bench) -> None:
    tight.tick(A, *(OpenStream(stream, 160, "en-US") for stream in range(4)))
    [refused] = tight.tick(A, UpdateStream(3, SettingsUpdate(latency_ms=80)))
    assert isinstance(refused, UpdateRefused)
    assert (refused.asked_ms, refused.latency_ms) == (80, 160)
    assert tight.engine.slots_used == 4
    assert tight.tick(A, Audio(3, speech("one", frames=1))) == []  # half of a chunk of 160 ms
    assert tight.tick(A, Audio(3, speech("one", frames=1))) == [ChunkResult(3, 2560, (0,), (0,), (0.75,), (0.5,))]


def test_however_a_stream_ends_its_time_is_free_again(tight: Bench) -> None:
    plan = tight.worker._admission
    tight.tick(A, opened(1), OpenStream(2, 160, "en-US"))
    tight.tick(A, UpdateStream(2, SettingsUpdate(latency_ms=80)), FlushStream(1, 1, last=True))
    tight.engine.poison = 13
    tight.tick(A, FlushStream(2, 13))  # fails
    assert plan.load == 0
    tight.tick(A, opened(3), OpenStream(4, 160, "en-US"))
    tight.engine.broken = 1
    tight.tick(A, Audio(3, speech("one")))  # everybody's loss
    assert plan.load == 0
    tight.tick(A, opened(5), CloseStream(5))
    tight.tick(B, opened(1))
    for _ in range(4):
        tight.now += GATEWAY_SILENCE_SECONDS / 2
        tight.tick(A)  # the other gateway has gone
    assert (plan.load, tight.engine.slots_used) == (0, 0)
