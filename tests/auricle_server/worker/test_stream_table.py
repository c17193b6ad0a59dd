"""Tenants: results sorted by gateway are those that a loop would find, and nobody gets what is a predecessor's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine.types import NO_MARK, Lease, StepResults
from auricle_server.ipc.columns import ChunkResult
from auricle_server.worker.stream_table import StreamTable

SLOTS = 6
GATEWAYS = (b"a", b"b", b"c")
ROW = st.tuples(st.integers(1, SLOTS), st.booleans(), st.lists(st.integers(0, 99), max_size=3), st.booleans())
HELD = st.dictionaries(st.integers(1, SLOTS), st.sampled_from(GATEWAYS))


def lease(slot: int, *, current: bool = True) -> Lease:
    return Lease(100 + slot if current else 50 + slot, slot)


def results(rows: list[tuple[int, bool, list[int], bool]]) -> StepResults:
    tokens = np.array([token for _, _, found, _ in rows for token in found], np.int32)
    return StepResults(
        slots=np.array([slot for slot, *_ in rows], np.int32),
        leases=np.array([lease(slot, current=current).id for slot, current, *_ in rows], np.int64),
        samples=np.arange(len(rows), dtype=np.int64),
        marks=np.array([7 if ended else NO_MARK for *_, ended in rows], np.int64),
        ended=np.array([ended for *_, ended in rows], np.bool_),
        counts=np.array([len(found) for _, _, found, _ in rows], np.int32),
        tokens=tokens,
        frames=tokens + 1000,
        probabilities=(tokens / 128).astype(np.float32),
        confidences=(tokens / 256).astype(np.float32),
        computed=len(rows),
    )


@given(HELD, st.lists(ROW, max_size=12))
def test_results_go_to_whom_a_loop_would_send_them(
    held: dict[int, bytes], rows: list[tuple[int, bool, list[int], bool]]
) -> None:
    tenants = StreamTable(SLOTS)
    for slot, gateway in held.items():
        tenants.add((gateway, 1000 + slot), lease(slot), 80)
    expected: dict[bytes, list[ChunkResult]] = {}
    for number, (slot, current, found, ended) in enumerate(rows):
        if slot in held and current:
            columns = tuple(found), tuple(token + 1000 for token in found), tuple(token / 128 for token in found)
            confidences = tuple(token / 256 for token in found)
            row = ChunkResult(1000 + slot, number, *columns, confidences, mark=7 if ended else None)
            expected.setdefault(held[slot], []).append(row)
    step = results(rows)
    assert {gateway: list(columns.rows()) for gateway, columns in tenants.by_gateway(step)} == expected
    over = [(held[slot], 1000 + slot) for slot, current, _, last in rows if last and current and slot in held]
    assert tenants.ended(step) == over


@given(HELD, st.lists(st.tuples(st.integers(-3, SLOTS + 3), st.booleans(), st.integers(0, 4)), max_size=8))
def test_audio_reaches_its_stream_or_nobody(held: dict[int, bytes], entries: list[tuple[int, bool, int]]) -> None:
    tenants, past = StreamTable(SLOTS), StreamTable(SLOTS)
    tickets = {slot: tenants.add((gateway, slot), lease(slot), 80) for slot, gateway in held.items()}
    stale = {slot: past.add((gateway, slot), lease(slot), 80) for slot, gateway in held.items()}
    lengths = np.array([length for *_, length in entries], np.int32)
    pcm = np.repeat(np.arange(len(entries)), lengths)
    hand_over = AudioBatch(
        np.array([slot for slot, *_ in entries], np.int32),
        np.array([(tickets if good else stale).get(slot, 0) for slot, good, _ in entries], np.int64),
        lengths,
        pcm.astype(np.int16),
    )
    batch = tenants.audio(hand_over)
    heard = [(number, entry) for number, entry in enumerate(entries) if entry[0] in held and entry[1]]
    assert batch.slots.tolist() == [slot for _, (slot, *_) in heard]
    assert batch.leases.tolist() == [lease(slot).id for _, (slot, *_) in heard]
    assert batch.pcm.tolist() == [number for number, (*_, length) in heard for _ in range(length)]


def test_who_has_ended_is_heard_no_more_but_still_answered() -> None:
    tenants = StreamTable(SLOTS)
    ticket = tenants.add((b"a", 1), lease(2), 80)
    tenants.stop_input((b"a", 1))
    one = np.array([2], np.int32), np.array([ticket], np.int64), np.array([1], np.int32), np.array([5], np.int16)
    assert len(tenants.audio(AudioBatch(*one)).slots) == 0
    assert [gateway for gateway, _ in tenants.by_gateway(results([(2, True, [], False)]))] == [b"a"]
    assert tenants.of_gateway(b"a") == [(b"a", 1)]
    assert tenants.remove((b"a", 1)) is not None
    assert list(tenants.by_gateway(results([(2, True, [], False)]))) == []
    assert (len(tenants), tenants.remove((b"a", 1))) == (0, None)


def hand_over(*entries: tuple[int, int, list[int]]) -> AudioBatch:
    """Slot, ticket and samples of each."""
    return AudioBatch(
        np.array([slot for slot, *_ in entries], np.int32),
        np.array([ticket for _, ticket, _ in entries], np.int64),
        np.array([len(pcm) for *_, pcm in entries], np.int32),
        np.array([sample for *_, pcm in entries for sample in pcm], np.int16),
    )


def test_a_second_lane_hears_what_the_first_hears_from_when_it_was_opened() -> None:
    tenants = StreamTable(SLOTS, frame_samples=4)
    one, two = tenants.add((b"a", 1), lease(2), 80), tenants.add((b"a", 2), lease(3), 80)
    tenants.audio(hand_over((2, one, [1] * 5), (3, two, [2]), (2, one, [1])))
    assert tenants.open_second((b"a", 1), lease(5)) == (6, 2)  # a frame and a half
    batch = tenants.audio(hand_over((3, two, [7, 8]), (2, one, [9]), (2, one, [4, 4])))
    assert batch.slots.tolist() == [3, 2, 2, 5, 5]
    assert batch.leases.tolist() == [lease(slot).id for slot in (3, 2, 2, 5, 5)]
    assert batch.pcm.tolist() == [7, 8, 9, 4, 4, 9, 4, 4]
    assert tenants.close_second((b"a", 1)) == lease(5)
    assert tenants.audio(hand_over((2, one, [1]))).slots.tolist() == [2]
    assert tenants.open_second((b"a", 1), lease(4)) == (10, 2)


def test_what_a_second_lane_finds_is_on_the_clock_of_its_stream() -> None:
    tenants = StreamTable(SLOTS)
    ticket = tenants.add((b"a", 1), lease(2), 80)
    tenants.audio(hand_over((2, ticket, [0] * 1300)))
    tenants.open_second((b"a", 1), lease(5))
    [(_, columns)] = tenants.by_gateway(results([(2, True, [3], False), (5, True, [3, 4], False)]))
    first, second = columns.rows()
    assert (first.stream, first.samples, first.frames, first.refined) == (1, 0, (1003,), False)
    assert (second.stream, second.samples, second.frames, second.refined) == (1, 1 + 1280, (1004, 1005), True)
    tenants.close_second((b"a", 1))
    [(_, columns)] = tenants.by_gateway(results([(2, True, [3], False), (5, True, [3, 4], False)]))
    assert [row.refined for row in columns.rows()] == [False]


def test_a_stream_has_ended_when_both_lanes_have_and_their_slots_may_have_new_tenants() -> None:
    tenants = StreamTable(SLOTS)
    tenants.add((b"a", 1), lease(2), 80)
    tenants.open_second((b"a", 1), lease(5))
    tenants.stop_input((b"a", 1))
    assert tenants.ended(results([(5, True, [], True)])) == []
    tenants.add((b"b", 9), Lease(999, 5), 80)  # the engine has given the slot back
    assert tenants.ended(results([(2, True, [], True)])) == [(b"a", 1)]
    tenants.remove((b"a", 1))
    found = results([(5, True, [], False)])
    found.leases[:] = 999
    assert [gateway for gateway, _ in tenants.by_gateway(found)] == [b"b"]
    assert tenants.seconds == 0


def test_lanes_that_are_opened_at_once_fall_due_as_their_streams_began() -> None:
    tenants = StreamTable(SLOTS, frame_samples=4)
    one, two = tenants.add((b"a", 1), lease(2), 80), tenants.add((b"a", 2), lease(3), 80)
    tenants.audio(hand_over((2, one, [1] * 30), (3, two, [2] * 9)))
    assert tenants.open_second((b"a", 1), lease(5), chunk_frames=3) == (30, 6)  # two chunks before, and half of one
    assert tenants.open_second((b"a", 2), lease(6), chunk_frames=3) == (9, 9)
    [(_, columns)] = tenants.by_gateway(results([(5, True, [3], False), (6, True, [4], False)]))
    assert [(row.samples, row.frames) for row in columns.rows()] == [(0 + 24, (1003 + 6,)), (1, (1004,))]
