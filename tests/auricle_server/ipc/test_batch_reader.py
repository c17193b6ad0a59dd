"""Outbox and reader: whatever the ticks and the drains, each stream's audio and items arrive in their order."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle_server.ipc.batch_reader import BatchReader, StreamBatch
from auricle_server.ipc.batch_writer import BatchWriter
from auricle_server.ipc.columns import AudioColumns, BadColumns
from auricle_server.ipc.messages import (
    BatchPart,
    FlushStream,
    GatewayItem,
    SettingsUpdate,
    ToWorker,
    UpdateStream,
)
from auricle_server.ipc.zeromq import decode_to_worker, encode

STREAMS = 3
ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(0, STREAMS - 1), st.sampled_from(["audio", "flush", "change", "tick", "drain"])
    ),
    max_size=60,
)
Log = dict[tuple[bytes, int], list[object]]


def spliced(log: Log) -> Log:
    """Adjacent pieces of audio are one."""
    return {
        owner: [
            b"".join(each for each in group if isinstance(each, bytes)) if is_audio else each
            for is_audio, group in groupby(events, lambda event: isinstance(event, bytes))
            for each in ([None] if is_audio else list(group))
        ]
        for owner, events in log.items()
    }


class Gateway:
    """Makes streams talk, and remembers what they said."""

    def __init__(self, number: int) -> None:
        self.name = b"%d" % number
        self.writer = BatchWriter()
        self.sent: list[ToWorker] = []
        self.slot_of = {stream: 1 + number * STREAMS + stream for stream in range(STREAMS)}
        self.said = 0

    def act(self, stream: int, action: str) -> object:
        self.said += 1
        if action == "audio":
            pcm = bytes([self.said % 256, stream]) * (self.said % 3 + 1)
            self.writer.add_audio(stream, self.slot_of[stream], 100 + self.slot_of[stream], pcm)
            return pcm
        item: GatewayItem = (
            FlushStream(stream, self.said) if action == "flush" else UpdateStream(stream, SettingsUpdate(self.said))
        )
        self.writer.add(item)
        return item

    def tick(self) -> None:
        self.sent.append(decode_to_worker(encode(self.writer.take())))


def drain(reader: BatchReader, gateways: list[Gateway], log: Log) -> None:
    for gateway in gateways:
        for message in gateway.sent:
            for part in message.parts:
                reader.add(gateway.name, part)
        gateway.sent.clear()
    for batch in reader.take():
        write(batch, gateways, log)


def write(batch: StreamBatch, gateways: list[Gateway], log: Log) -> None:
    owner_of = {100 + slot: (each.name, stream) for each in gateways for stream, slot in each.slot_of.items()}
    pieces = np.split(batch.audio.pcm, np.cumsum(batch.audio.lengths)[:-1])
    for slot, lease, pcm in zip(batch.audio.slots.tolist(), batch.audio.leases.tolist(), pieces, strict=False):
        assert lease == 100 + slot
        log[owner_of[lease]].append(pcm.tobytes())
    for name, item in batch.items:
        log[name, item.stream].append(item)


@given(ACTIONS)
def test_every_streams_order_is_kept(actions: list[tuple[int, int, str]]) -> None:
    gateways, reader = [Gateway(0), Gateway(1)], BatchReader()
    said: Log = defaultdict(list)
    heard: Log = defaultdict(list)
    for number, stream, action in actions:
        gateway = gateways[number]
        if action == "tick":
            gateway.tick()
        elif action == "drain":
            drain(reader, gateways, heard)
        else:
            said[gateway.name, stream].append(gateway.act(stream, action))
    for gateway in gateways:
        gateway.tick()
        assert not gateway.writer
    drain(reader, gateways, heard)
    assert spliced(heard) == spliced(said)


@given(ACTIONS)
def test_a_part_has_a_stream_once_at_most(actions: list[tuple[int, int, str]]) -> None:
    gateway = Gateway(0)
    for _, stream, action in actions:
        if action not in ("tick", "drain"):
            gateway.act(stream, action)
    gateway.tick()
    for part in gateway.sent[0].parts:
        slots = part.audio.batch().slots
        assert len(set(slots.tolist())) == len(slots)


def test_what_needs_no_order_between_is_one_batch() -> None:
    gateways, reader = [Gateway(0), Gateway(1)], BatchReader()
    for gateway in gateways:
        for stream in range(STREAMS):
            gateway.act(stream, "audio")
            gateway.act(stream, "audio")
        gateway.tick()
        assert len(gateway.sent[0].parts) == 1
        gateway.act(0, "audio")
        gateway.act(0, "flush")
        gateway.tick()
        for message in gateway.sent:
            for part in message.parts:
                reader.add(gateway.name, part)
    [batch] = reader.take()
    assert len(batch.audio.slots) == 2 * (STREAMS + 1)
    assert len(batch.items) == 2
    assert reader.take() == []


def test_a_part_that_does_not_fit_together_leaves_the_reader_as_it_was() -> None:
    reader, good = BatchReader(), AudioColumns.of([1], [2], [b"\1\1"])
    reader.add(b"g", BatchPart(good))
    with pytest.raises(BadColumns):
        reader.add(b"g", BatchPart(AudioColumns(good.slots, good.leases, good.lengths, b""), (FlushStream(1, 1),)))
    [batch] = reader.take()
    assert (batch.audio.slots.tolist(), batch.audio.pcm.tolist(), batch.items) == ([1], [257], ())
