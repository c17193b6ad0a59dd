"""Columns: what goes in comes out, and what does not fit together is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.engine.types import NO_MARK as ENGINE_NO_MARK
from auricle_server.ipc.columns import NO_MARK, AudioColumns, BadColumns, ChunkResult, ResultBatch, ResultColumns

FLOATS = st.floats(0, 1, width=32)
FOUND = st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 10**6), FLOATS, FLOATS), max_size=4)
ROW = st.builds(
    lambda stream, samples, found, mark, refined: ChunkResult(
        stream,
        samples,
        tuple(token for token, _, _, _ in found),
        tuple(frame for _, frame, _, _ in found),
        tuple(probability for _, _, probability, _ in found),
        tuple(confidence for *_, confidence in found),
        mark,
        refined,
    ),
    st.integers(1, 2**62),
    st.integers(0, 2**40),
    FOUND,
    st.none() | st.integers(1, 2**40),
    st.booleans(),
)


def columns(rows: list[ChunkResult]) -> ResultColumns:
    return ResultColumns.of(
        ResultBatch(
            np.array([row.stream for row in rows], np.int64),
            np.array([row.samples for row in rows], np.int64),
            np.array([len(row.tokens) for row in rows], np.int32),
            np.array([NO_MARK if row.mark is None else row.mark for row in rows], np.int64),
            np.array([token for row in rows for token in row.tokens], np.int32),
            np.array([frame for row in rows for frame in row.frames], np.int32),
            np.array([each for row in rows for each in row.probabilities], np.float32),
            np.array([each for row in rows for each in row.confidences], np.float32),
            np.array([row.refined for row in rows], np.bool_) if any(row.refined for row in rows) else None,
        )
    )


@given(st.lists(ROW, max_size=6))
def test_results_come_out_as_they_went_in(rows: list[ChunkResult]) -> None:
    assert columns(rows).rows() == rows


@given(st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), st.binary(max_size=9)), max_size=6))
def test_audio_comes_out_as_it_went_in(entries: list[tuple[int, int, bytes]]) -> None:
    whole = [(slot, lease, pcm * 2) for slot, lease, pcm in entries]
    audio = AudioColumns.of(
        [slot for slot, _, _ in whole], [lease for _, lease, _ in whole], [pcm for *_, pcm in whole]
    )
    batch = audio.batch()
    pieces = np.split(batch.pcm, np.cumsum(batch.lengths)[:-1]) if whole else []
    found = zip(batch.slots.tolist(), batch.leases.tolist(), [piece.tobytes() for piece in pieces], strict=True)
    assert list(found) == whole


def test_both_sides_mean_the_same_by_no_mark() -> None:
    assert NO_MARK == ENGINE_NO_MARK


@pytest.mark.parametrize(
    "change", [{"slots": b""}, {"leases": b"\0" * 7}, {"lengths": b"\2\0\0\0"}, {"pcm": b"\0\0\0"}]
)
def test_audio_that_does_not_fit_together_is_refused(change: dict[str, bytes]) -> None:
    parts = {"slots": b"\1\0\0\0", "leases": b"\1" + b"\0" * 7, "lengths": b"\1\0\0\0", "pcm": b"\1\1", **change}
    with pytest.raises(BadColumns):
        AudioColumns(**parts).batch()


@pytest.mark.parametrize(
    "column", ["streams", "samples", "counts", "marks", "tokens", "frames", "probabilities", "confidences"]
)
def test_results_that_do_not_fit_together_are_refused(column: str) -> None:
    good = columns([ChunkResult(1, 2, (3,), (4,), (0.5,), (0.4,), 6)])
    parts = {name: getattr(good, name) for name in good.__struct_fields__}
    with pytest.raises(BadColumns):
        ResultColumns(**{**parts, column: b""}).rows()
    with pytest.raises(BadColumns):
        ResultColumns(**{**parts, column: parts[column][:-1]}).rows()


def test_a_column_of_second_passes_that_does_not_fit_is_refused() -> None:
    good = columns([ChunkResult(1, 2, (3,), (4,), (0.5,), (0.4,), 6, refined=True), ChunkResult(1, 2)])
    parts = {name: getattr(good, name) for name in good.__struct_fields__}
    assert [row.refined for row in good.rows()] == [True, False]
    with pytest.raises(BadColumns):
        ResultColumns(**{**parts, "refined": b"\1"}).rows()
