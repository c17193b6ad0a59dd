from __future__ import annotations

import heapq
import random
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle_server.engine.scheduling.batcher import Batcher

FRAME = 0.08
CHUNKS = (1, 2, 7, 14)


def batcher(max_rows: int = 10, linger: float = 0.0) -> Batcher:
    return Batcher(FRAME, dict.fromkeys(CHUNKS, max_rows), slots=512, linger=linger)


def add(policy: Batcher, slot: int, frames: int, now: float, urgent: bool = False) -> None:
    policy.add_rows(np.array([slot]), np.array([frames]), np.array([urgent]), now)


def test_one_batch_has_one_chunk_size() -> None:
    policy = batcher()
    for slot, frames in enumerate((1, 14, 1, 7)):
        add(policy, slot, frames, now=0.0)
    assert [sorted(policy.pick().tolist()) for _ in range(3)] == [[0, 2], [1], [3]]
    assert policy.pick().tolist() == []


def test_the_earliest_deadline_goes_first() -> None:
    policy = batcher()
    add(policy, 1, 2, now=0.0)
    add(policy, 2, 1, now=0.09)
    assert policy.pick().tolist() == [1]
    assert policy.pick().tolist() == [2]


def test_a_long_chunk_is_no_reason_to_wait_for_long() -> None:
    policy = batcher()
    add(policy, 1, 14, now=0.0)
    add(policy, 2, 1, now=0.09)
    assert policy.pick().tolist() == [1]


def test_audio_that_comes_faster_than_speech_lets_speech_go_first() -> None:
    policy = batcher(max_rows=1)
    add(policy, 1, 1, now=0.0)
    served = []
    for turn in range(10):
        add(policy, 2, 1, now=0.01 * turn)
        served += policy.pick().tolist()
        if served[-1] == 1:
            policy.add_following_rows(np.array([1]), np.array([1]), np.array([False]), 0.01 * turn)
    assert served.count(1) == 2
    assert policy.wait(0.1) == 0.0, "and does not wait when no one speaks"


def test_a_flush_goes_first() -> None:
    policy = batcher()
    add(policy, 1, 1, now=0.0)
    add(policy, 2, 14, now=0.01, urgent=True)
    assert policy.pick().tolist() == [2]


def test_a_full_batch_takes_the_rows_that_are_due_first() -> None:
    policy = batcher(max_rows=3)
    for slot in random.Random(0).sample(range(8), 8):
        add(policy, slot, 1, now=float(slot))
    assert policy.pick().tolist() == [0, 1, 2]
    assert policy.pick().tolist() == [3, 4, 5]
    assert len(policy) == 2


def test_a_slot_has_one_row_at_a_time_and_keeps_its_deadline() -> None:
    policy = batcher(max_rows=1)
    add(policy, 1, 1, now=0.0)
    add(policy, 2, 1, now=0.5)
    add(policy, 1, 1, now=9.0)
    assert len(policy) == 2
    assert [policy.pick().tolist() for _ in range(3)] == [[1], [2], []]


def test_a_stream_that_has_left_is_not_picked() -> None:
    policy = batcher()
    add(policy, 1, 1, now=0.0)
    policy.remove_stream(1)
    policy.remove_stream(2)
    assert len(policy) == 0
    assert policy.pick().tolist() == []
    assert policy.wait(0.0) is None


# --- waiting for company ---------------------------------------------------------------------------------------------


def test_a_pause_is_as_long_for_every_chunk_size() -> None:
    policy = Batcher(FRAME, dict.fromkeys(CHUNKS, 10), slots=512, pause=0.008)
    for slot, frames in enumerate((1, 1, 7, 7), 1):
        policy.add_stream(slot, frames)
    for slot, frames in ((1, 1), (3, 7)):
        policy.add_rows(np.array([slot]), np.array([frames]), np.array([False]), 1.0)
        assert policy.wait(1.0) == pytest.approx(0.008)
        assert policy.wait(1.006) == pytest.approx(0.002)
        assert policy.wait(1.009) == 0
        policy.drop_row(slot)
    for slot in (1, 2):  # all streams of the chunk size: there is nobody to wait for
        policy.add_rows(np.array([slot]), np.array([1]), np.array([False]), 2.0)
    assert policy.wait(2.0) == 0


def test_without_linger_nothing_waits() -> None:
    policy = batcher()
    for slot in (1, 2):
        policy.add_stream(slot, 1)
    add(policy, 1, 1, now=3.0)
    assert policy.wait(3.0) == 0.0


def test_a_row_waits_for_company_but_not_for_long() -> None:
    policy = batcher(linger=0.25)
    for slot in (1, 2, 3):
        policy.add_stream(slot, 2)
    add(policy, 1, 2, now=5.0)
    assert policy.wait(5.0) == pytest.approx(0.25 * 0.16)
    add(policy, 2, 2, now=5.03)
    assert policy.wait(5.03) == pytest.approx(0.25 * 0.16 - 0.03)
    assert policy.wait(6.0) == 0.0


def test_a_batch_of_all_streams_does_not_wait() -> None:
    policy = batcher(linger=0.25)
    policy.add_stream(1, 2)
    policy.add_stream(2, 7)
    add(policy, 1, 2, now=0.0)
    assert policy.wait(0.0) == 0.0


def test_a_full_batch_does_not_wait() -> None:
    policy = batcher(max_rows=2, linger=0.25)
    for slot in (1, 2, 3):
        policy.add_stream(slot, 1)
    add(policy, 1, 1, now=0.0)
    assert policy.wait(0.0) == pytest.approx(0.02)
    add(policy, 2, 1, now=0.0)
    assert policy.wait(0.0) == 0.0


def test_a_flush_does_not_wait_for_more_rows() -> None:
    policy = batcher(linger=0.25)
    for slot in (1, 2, 3):
        policy.add_stream(slot, 1)
    add(policy, 1, 1, now=0.0)
    add(policy, 2, 14, now=0.0, urgent=True)
    assert policy.wait(0.0) == 0.0


# --- a device on a fake clock ----------------------------------------------------------------------------------------


@dataclass
class Device:
    """Steps take `fixed` seconds, and `each` more per encoder frame; streams speak in real time.

    Attributes:
        delays: From ready to result, by chunk size.
        batches: Rows of each step.
    """

    policy: Batcher
    fixed: float
    each: float
    delays: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    batches: list[int] = field(default_factory=list)
    backlog: int = 0

    def run(self, chunk_of: dict[int, int], seconds: float, rng: random.Random) -> None:
        """A live stream for each slot, in random phase, for so long; then what is left over."""
        events = [(rng.random() * frames * FRAME, slot) for slot, frames in chunk_of.items()]
        heapq.heapify(events)
        for slot, frames in chunk_of.items():
            self.policy.add_stream(slot, frames)
        waiting: dict[int, list[float]] = defaultdict(list)
        now = 0.0
        while now < seconds:
            while events and events[0][0] <= now:
                at, slot = heapq.heappop(events)
                heapq.heappush(events, (at + chunk_of[slot] * FRAME, slot))
                waiting[slot].append(at)
                add(self.policy, slot, chunk_of[slot], at)
            wait = self.policy.wait(now)
            if wait is None or wait > 0:
                now = min(events[0][0], now + wait if wait else float("inf"), seconds)
                continue
            now = self._step(chunk_of, waiting, now)
        self.backlog = sum(map(len, waiting.values()))

    def _step(self, chunk_of: dict[int, int], waiting: dict[int, list[float]], now: float) -> float:
        slots = self.policy.pick().tolist()
        frames = chunk_of[slots[0]]
        done = now + self.fixed + self.each * frames * len(slots)
        self.batches.append(len(slots))
        for slot in slots:
            self.delays[frames].append(done - waiting[slot].pop(0))
            if waiting[slot]:
                self.policy.add_following_rows(np.array([slot]), np.array([frames]), np.array([False]), now)
        return done

    def step_time(self, frames: int, rows: int) -> float:
        return self.fixed + self.each * frames * rows


def mixed(rng: random.Random, streams: int) -> dict[int, int]:
    return {slot: rng.choice(CHUNKS) for slot in range(1, streams + 1)}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1 << 20), streams=st.integers(1, 120), linger=st.sampled_from([0.0, 1 / 16, 1 / 4]))
@pytest.mark.slow
def test_added_delay_is_bounded_below_capacity(seed: int, streams: int, linger: float) -> None:
    rng = random.Random(seed)
    chunk_of = mixed(rng, streams)
    device = Device(batcher(64, linger), fixed=0.004, each=0.0003)
    device.run(chunk_of, 12.0, rng)
    longest = max(device.step_time(frames, min(64, list(chunk_of.values()).count(frames))) for frames in CHUNKS)
    for frames, delays in device.delays.items():
        # Its own wait, the step that is on its way, one step of each class before it, and its own step.
        assert max(delays) <= linger * frames * FRAME + (2 + len(CHUNKS)) * longest
    assert device.backlog <= streams


def test_lingering_makes_fewer_and_larger_batches() -> None:
    sizes = {}
    for linger in (0.0, 1 / 8):
        rng = random.Random(3)
        device = Device(batcher(64, linger), fixed=0.001, each=0.0001)
        device.run(dict.fromkeys(range(1, 60), 2), 10.0, rng)
        sizes[linger] = float(np.mean(device.batches))
    assert sizes[1 / 8] > 2 * sizes[0.0]


def test_under_overload_no_class_starves_and_all_fall_behind_alike() -> None:
    rng = random.Random(1)
    chunk_of = {slot: CHUNKS[slot % 4] for slot in range(1, 200)}
    device = Device(batcher(16), fixed=0.02, each=0.0006)
    device.run(chunk_of, 40.0, rng)
    assert device.backlog > 200, "this is meant to be too much"
    worst = {frames: float(np.percentile(device.delays[frames][-30:], 50)) for frames in CHUNKS}
    assert min(worst.values()) > 1.0
    assert max(worst.values()) - min(worst.values()) < max(CHUNKS) * FRAME + 1.5


def test_streams_keep_the_phase_in_which_their_audio_comes() -> None:
    rng = random.Random(2)
    device = Device(batcher(64), fixed=0.0005, each=0.0)
    device.run(dict.fromkeys(range(1, 40), 1), 10.0, rng)
    assert np.percentile(device.delays[1], 99) < 0.0021
    assert np.mean(device.batches) < 3
