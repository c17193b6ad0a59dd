"""The writer of one worker's messages: one part where order allows it, and who is woken when."""

from __future__ import annotations

import pytest

from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.messages import CloseStream, FlushStream, ToWorker


@pytest.fixture
def woken() -> list[bool]:
    return []


@pytest.fixture
def writer(woken: list[bool]) -> BatchWriter:
    return BatchWriter(woken.append)


def test_pieces_of_one_stream_are_joined(writer: BatchWriter) -> None:
    writer.add_audio(1, 3, 5, b"\1\1")
    writer.add_audio(2, 4, 6, b"\2\2\2\2")
    writer.add_audio(1, 3, 5, b"\3\3")
    [part] = writer.take().parts
    batch = part.audio.batch()
    assert (batch.slots.tolist(), batch.leases.tolist(), batch.lengths.tolist()) == ([3, 4], [5, 6], [2, 2])
    assert batch.pcm.tobytes() == b"\1\1\3\3\2\2\2\2"


def test_audio_after_an_item_of_its_stream_begins_a_part(writer: BatchWriter) -> None:
    writer.add_audio(1, 3, 5, b"\1\1")
    writer.add(FlushStream(1, 1))
    writer.add_audio(2, 4, 6, b"\2\2")
    writer.add_audio(1, 3, 5, b"\3\3")
    first, second = writer.take().parts
    assert (first.audio.pcm, first.items) == (b"\1\1\2\2", (FlushStream(1, 1),))
    assert (second.audio.pcm, second.items) == (b"\3\3", ())


def test_only_urgent_items_wake_at_once(writer: BatchWriter, woken: list[bool]) -> None:
    writer.add_audio(1, 3, 5, b"\1\1")
    writer.add(CloseStream(1))
    writer.add(FlushStream(1, 1), urgent=True)
    assert woken == [False, False, True]


def test_a_taken_or_cleared_writer_is_empty(writer: BatchWriter) -> None:
    assert not writer
    assert writer.take() == ToWorker()
    for empty in (writer.take, writer.clear):
        writer.add_audio(1, 3, 5, b"\1\1")
        writer.add(FlushStream(1, 1))
        writer.add_audio(1, 3, 5, b"\1\1")
        assert writer
        empty()
        assert not writer
        assert writer.take() == ToWorker()
