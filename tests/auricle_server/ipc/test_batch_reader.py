"""Outbox and intake: whatever the ticks and the drains, each stream's audio and items arrive in their order."""

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
    """Neighbouring pieces of audio are one."""
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
        self.outbox = BatchWriter()
        self.sent: list[ToWorker] = []
        self.slot_of = {stream: 1 + number * STREAMS + stream for stream in range(STREAMS)}
        self.said = 0

    def act(self, stream: int, action: str) -> object:
        self.said += 1
        if action == "audio":
            pcm = bytes([self.said % 256, stream]) * (self.said % 3 + 1)
            self.outbox.add_audio(stream, self.slot_of[stream], 100 + self.slot_of[stream], pcm)
            return pcm
        item: GatewayItem = (
            FlushStream(stream, self.said) if action == "flush" else UpdateStream(stream, SettingsUpdate(self.said))
        )
        self.outbox.add(item)
        return item

    def tick(self) -> None:
        self.sent.append(decode_to_worker(encode(self.outbox.take())))


def drain(intake: BatchReader, gateways: list[Gateway], log: Log) -> None:
    for gateway in gateways:
        for message in gateway.sent:
            for part in message.parts:
                intake.add(gateway.name, part)
        gateway.sent.clear()
    for hand_over in intake.take():
        write(hand_over, gateways, log)


def write(hand_over: StreamBatch, gateways: list[Gateway], log: Log) -> None:
    owner_of = {100 + slot: (each.name, stream) for each in gateways for stream, slot in each.slot_of.items()}
    pieces = np.split(hand_over.audio.pcm, np.cumsum(hand_over.audio.lengths)[:-1])
    for slot, lease, pcm in zip(hand_over.audio.slots.tolist(), hand_over.audio.leases.tolist(), pieces, strict=False):
        assert lease == 100 + slot
        log[owner_of[lease]].append(pcm.tobytes())
    for name, item in hand_over.items:
        log[name, item.stream].append(item)


@given(ACTIONS)
def test_every_streams_order_is_kept(actions: list[tuple[int, int, str]]) -> None:
    gateways, intake = [Gateway(0), Gateway(1)], BatchReader()
    said: Log = defaultdict(list)
    heard: Log = defaultdict(list)
    for number, stream, action in actions:
        gateway = gateways[number]
        if action == "tick":
            gateway.tick()
        elif action == "drain":
            drain(intake, gateways, heard)
        else:
            said[gateway.name, stream].append(gateway.act(stream, action))
    for gateway in gateways:
        gateway.tick()
        assert not gateway.outbox
    drain(intake, gateways, heard)
    assert spliced(heard) == spliced(said)


@given(ACTIONS)
def test_a_segment_has_a_stream_once_at_most(actions: list[tuple[int, int, str]]) -> None:
    gateway = Gateway(0)
    for _, stream, action in actions:
        if action not in ("tick", "drain"):
            gateway.act(stream, action)
    gateway.tick()
    for part in gateway.sent[0].parts:
        slots = part.audio.batch().slots
        assert len(set(slots.tolist())) == len(slots)


def test_what_needs_no_order_between_is_one_hand_over() -> None:
    gateways, intake = [Gateway(0), Gateway(1)], BatchReader()
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
                intake.add(gateway.name, part)
    [hand_over] = intake.take()
    assert len(hand_over.audio.slots) == 2 * (STREAMS + 1)
    assert len(hand_over.items) == 2
    assert intake.take() == []


def test_a_segment_that_does_not_fit_together_leaves_the_intake_as_it_was() -> None:
    intake, good = BatchReader(), AudioColumns.of([1], [2], [b"\1\1"])
    intake.add(b"g", BatchPart(good))
    with pytest.raises(BadColumns):
        intake.add(b"g", BatchPart(AudioColumns(good.slots, good.leases, good.lengths, b""), (FlushStream(1, 1),)))
    [hand_over] = intake.take()
    assert (hand_over.audio.slots.tolist(), hand_over.audio.pcm.tolist(), hand_over.items) == ([1], [257], ())
