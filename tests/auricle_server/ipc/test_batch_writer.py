"""The writer of one worker's messages: one part where order allows it, and who is woken when."""

from __future__ import annotations

import asyncio

import pytest

from auricle_server.ipc import batch_writer
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.messages import CloseStream, FlushStream, ToWorker
from tests.auricle_server.gateway.workers.fake_channel import FakeChannel
from tests.auricle_server.raw_client import until


@pytest.fixture
def writer() -> BatchWriter:
    return BatchWriter()


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


async def test_only_urgent_items_end_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writer, "TICK_SECONDS", 60.0)
    channel = FakeChannel()
    writer = BatchWriter(channel)
    running = asyncio.create_task(writer.run())
    writer.add_audio(1, 3, 5, b"\1\1")
    writer.add(CloseStream(1))
    await asyncio.sleep(0.01)
    assert channel.sent == []
    writer.add(FlushStream(1, 1), urgent=True)
    await asyncio.sleep(0.01)
    assert (len(channel.sent), channel.audio, len(channel.items)) == (1, b"\1\1", 2)
    running.cancel()
    await writer.close()


async def test_a_tick_sends_what_has_come_and_a_close_the_rest() -> None:
    channel = FakeChannel()
    writer = BatchWriter(channel)
    running = asyncio.create_task(writer.run())
    writer.add_audio(1, 3, 5, b"\1\1")
    await until(lambda: channel.audio == b"\1\1")
    running.cancel()
    writer.add(CloseStream(1))
    await writer.close()
    assert channel.items == [CloseStream(1)]


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
