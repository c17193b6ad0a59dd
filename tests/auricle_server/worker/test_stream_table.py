"""Results sorted by gateway are those that a loop would find; no stream gets what is its predecessor's."""

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
ASSIGNED = st.dictionaries(st.integers(1, SLOTS), st.sampled_from(GATEWAYS))


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


@given(ASSIGNED, st.lists(ROW, max_size=12))
def test_results_go_where_a_loop_would_send_them(
    assigned: dict[int, bytes], rows: list[tuple[int, bool, list[int], bool]]
) -> None:
    table = StreamTable(SLOTS)
    for slot, gateway in assigned.items():
        table.add((gateway, 1000 + slot), lease(slot), 80)
    expected: dict[bytes, list[ChunkResult]] = {}
    for number, (slot, current, found, ended) in enumerate(rows):
        if slot in assigned and current:
            columns = tuple(found), tuple(token + 1000 for token in found), tuple(token / 128 for token in found)
            confidences = tuple(token / 256 for token in found)
            row = ChunkResult(1000 + slot, number, *columns, confidences, mark=7 if ended else None)
            expected.setdefault(assigned[slot], []).append(row)
    step = results(rows)
    assert {gateway: list(columns.rows()) for gateway, columns in table.by_gateway(step)} == expected
    over = [(assigned[slot], 1000 + slot) for slot, current, _, last in rows if last and current and slot in assigned]
    assert table.finished(step) == over


@given(ASSIGNED, st.lists(st.tuples(st.integers(-3, SLOTS + 3), st.booleans(), st.integers(0, 4)), max_size=8))
def test_audio_reaches_its_stream_or_none(assigned: dict[int, bytes], entries: list[tuple[int, bool, int]]) -> None:
    table, past = StreamTable(SLOTS), StreamTable(SLOTS)
    gateway_leases = {slot: table.add((gateway, slot), lease(slot), 80) for slot, gateway in assigned.items()}
    stale = {slot: past.add((gateway, slot), lease(slot), 80) for slot, gateway in assigned.items()}
    lengths = np.array([length for *_, length in entries], np.int32)
    pcm = np.repeat(np.arange(len(entries)), lengths)
    received = AudioBatch(
        np.array([slot for slot, *_ in entries], np.int32),
        np.array([(gateway_leases if good else stale).get(slot, 0) for slot, good, _ in entries], np.int64),
        lengths,
        pcm.astype(np.int16),
    )
    batch = table.route_audio(received)
    accepted = [(number, entry) for number, entry in enumerate(entries) if entry[0] in assigned and entry[1]]
    assert batch.slots.tolist() == [slot for _, (slot, *_) in accepted]
    assert batch.leases.tolist() == [lease(slot).id for _, (slot, *_) in accepted]
    assert batch.pcm.tolist() == [number for number, (*_, length) in accepted for _ in range(length)]


def test_a_stream_that_ends_gets_no_audio_but_its_answers() -> None:
    table = StreamTable(SLOTS)
    gateway_lease = table.add((b"a", 1), lease(2), 80)
    table.stop_input((b"a", 1))
    one = np.array([2], np.int32), np.array([gateway_lease], np.int64), np.array([1], np.int32), np.array([5], np.int16)
    assert len(table.route_audio(AudioBatch(*one)).slots) == 0
    assert [gateway for gateway, _ in table.by_gateway(results([(2, True, [], False)]))] == [b"a"]
    assert table.of_gateway(b"a") == [(b"a", 1)]
    assert table.remove((b"a", 1)) is not None
    assert list(table.by_gateway(results([(2, True, [], False)]))) == []
    assert (len(table), table.remove((b"a", 1))) == (0, None)


def received(*entries: tuple[int, int, list[int]]) -> AudioBatch:
    """Slot, gateway_lease and samples of each."""
    return AudioBatch(
        np.array([slot for slot, *_ in entries], np.int32),
        np.array([gateway_lease for _, gateway_lease, _ in entries], np.int64),
        np.array([len(pcm) for *_, pcm in entries], np.int32),
        np.array([sample for *_, pcm in entries for sample in pcm], np.int16),
    )


def test_a_second_pass_gets_the_audio_of_the_first_from_its_opening_on() -> None:
    table = StreamTable(SLOTS, frame_samples=4)
    one, two = table.add((b"a", 1), lease(2), 80), table.add((b"a", 2), lease(3), 80)
    table.route_audio(received((2, one, [1] * 5), (3, two, [2]), (2, one, [1])))
    assert table.add_second_pass((b"a", 1), lease(5)) == (6, 2)  # a frame and a half
    batch = table.route_audio(received((3, two, [7, 8]), (2, one, [9]), (2, one, [4, 4])))
    assert batch.slots.tolist() == [3, 2, 2, 5, 5]
    assert batch.leases.tolist() == [lease(slot).id for slot in (3, 2, 2, 5, 5)]
    assert batch.pcm.tolist() == [7, 8, 9, 4, 4, 9, 4, 4]
    assert table.remove_second_pass((b"a", 1)) == lease(5)
    assert table.route_audio(received((2, one, [1]))).slots.tolist() == [2]
    assert table.add_second_pass((b"a", 1), lease(4)) == (10, 2)


def test_results_of_a_second_pass_are_on_the_clock_of_its_stream() -> None:
    table = StreamTable(SLOTS)
    gateway_lease = table.add((b"a", 1), lease(2), 80)
    table.route_audio(received((2, gateway_lease, [0] * 1300)))
    table.add_second_pass((b"a", 1), lease(5))
    [(_, columns)] = table.by_gateway(results([(2, True, [3], False), (5, True, [3, 4], False)]))
    first, second = columns.rows()
    assert (first.stream, first.samples, first.frames, first.refined) == (1, 0, (1003,), False)
    assert (second.stream, second.samples, second.frames, second.refined) == (1, 1 + 1280, (1004, 1005), True)
    table.remove_second_pass((b"a", 1))
    [(_, columns)] = table.by_gateway(results([(2, True, [3], False), (5, True, [3, 4], False)]))
    assert [row.refined for row in columns.rows()] == [False]


def test_a_stream_has_finished_when_both_passes_have_and_their_slots_may_be_leased_again() -> None:
    table = StreamTable(SLOTS)
    table.add((b"a", 1), lease(2), 80)
    table.add_second_pass((b"a", 1), lease(5))
    table.stop_input((b"a", 1))
    assert table.finished(results([(5, True, [], True)])) == []
    table.add((b"b", 9), Lease(999, 5), 80)  # the engine has given the slot back
    assert table.finished(results([(2, True, [], True)])) == [(b"a", 1)]
    table.remove((b"a", 1))
    found = results([(5, True, [], False)])
    found.leases[:] = 999
    assert [gateway for gateway, _ in table.by_gateway(found)] == [b"b"]
    assert table.second_passes == 0


def test_passes_that_are_opened_at_once_are_due_as_their_streams_began() -> None:
    table = StreamTable(SLOTS, frame_samples=4)
    one, two = table.add((b"a", 1), lease(2), 80), table.add((b"a", 2), lease(3), 80)
    table.route_audio(received((2, one, [1] * 30), (3, two, [2] * 9)))
    assert table.add_second_pass((b"a", 1), lease(5), chunk_frames=3) == (30, 6)  # two chunks before, and half of one
    assert table.add_second_pass((b"a", 2), lease(6), chunk_frames=3) == (9, 9)
    [(_, columns)] = table.by_gateway(results([(5, True, [3], False), (6, True, [4], False)]))
    assert [(row.samples, row.frames) for row in columns.rows()] == [(0 + 24, (1003 + 6,)), (1, (1004,))]
