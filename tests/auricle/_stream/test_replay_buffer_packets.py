"""Audio goes out when it completes a chunk, and never later than that."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from auricle._stream.replay_buffer import LONGEST_WAIT_SECONDS, Packetizer
from auricle.protocol import Finalize, Update
from auricle.protocol.audio_positions import ChunkGrid
from tests.auricle._stream.test_replay_buffer import RATE, opened, ready, replay_buffer, unsent


@given(
    rate=st.sampled_from([8_000, 11_025, 16_000, 24_000, 44_100, 48_000]),
    step_ms=st.sampled_from([80, 160, 320, 560, 1120]),
    delay=st.floats(0.0, 0.01),
    frames=st.lists(st.integers(1, 3000), min_size=1, max_size=200),
)
def test_no_chunk_waits_for_audio_that_is_there(rate: int, step_ms: int, delay: float, frames: list[int]) -> None:
    step = step_ms / 1000
    chunks = ChunkGrid(first=step - 0.08 + 0.0125 + delay, step=step)
    pace, sent, said = Packetizer(rate, 0.02, chunks), 0, 0
    for frame in frames:
        said += frame
        if pace.is_due(sent, said):
            sent = said
        held = said - sent
        assert held <= math.ceil(LONGEST_WAIT_SECONDS * rate)
        complete = math.floor((said / rate - chunks.first) / chunks.step + 1e-9)
        if complete >= 0:
            assert sent >= math.floor((chunks.first + complete * chunks.step) * rate) - 1


def test_where_the_chunks_are_not_known_pieces_have_a_least_size() -> None:
    pace = Packetizer(16_000, 0.02)
    assert not pace.is_due(100, 419)
    assert pace.is_due(100, 420)


def test_tiny_frames_wait_for_a_packet_unless_a_message_follows() -> None:
    buffer = opened(packet_seconds=0.02)
    buffer.add_audio(bytes(318))
    assert buffer.next_unsent() is None
    buffer.add_audio(bytes(2))
    assert buffer.next_unsent() == bytes(320)
    buffer.add_audio(b"ab")
    buffer.add_message(Finalize("x"))
    assert unsent(buffer) == [b"ab", Finalize("x")]


def test_big_audio_is_cut_to_what_the_server_takes() -> None:
    buffer = replay_buffer()
    buffer.attach(ready(1_001))
    buffer.add_audio(bytes(3_000))
    assert [len(piece) for piece in iter(buffer.next_unsent, None) if isinstance(piece, bytes)] == [1_000, 1_000, 1_000]


def test_audio_goes_out_when_it_completes_a_chunk() -> None:
    buffer = replay_buffer(packet_seconds=0.02)
    buffer.attach(ready(chunks=ChunkGrid(first=0.0125, step=0.08)))
    sizes = []
    for _ in range(50):
        buffer.add_audio(bytes(2 * RATE // 100))
        sizes.append(sum(len(said) for said in unsent(buffer) if isinstance(said, bytes)) * 1000 // (2 * RATE))
    assert [10 * index for index, size in enumerate(sizes, 1) if size] == [20, 100, 180, 260, 340, 420, 500]


def test_long_chunks_go_out_in_parts_that_end_on_them() -> None:
    buffer = replay_buffer(packet_seconds=0.02)
    buffer.attach(ready(chunks=ChunkGrid(first=1.0525, step=1.12)))
    ends = []
    for index in range(1, 2240):
        buffer.add_audio(bytes(2 * RATE // 1000))
        ends += [index for said in unsent(buffer) if said]
    assert ends[:8] == [93, 253, 413, 573, 733, 893, 1053, 1213]
    assert 2173 in ends


def test_a_message_takes_the_audio_before_it_along() -> None:
    buffer = replay_buffer(packet_seconds=0.02)
    buffer.attach(ready(chunks=ChunkGrid(first=0.0, step=10.0)))
    buffer.add_audio(b"ab")
    buffer.add_message(Finalize("x"))
    assert unsent(buffer) == [b"ab", Finalize("x")]


def test_after_a_change_of_latency_the_chunks_are_not_known() -> None:
    buffer = replay_buffer(packet_seconds=0.02)
    buffer.attach(ready(chunks=ChunkGrid(first=0.0, step=0.16)))
    buffer.add_message(Update(latency_ms=80))
    unsent(buffer)
    buffer.add_audio(bytes(2 * RATE // 50))
    assert unsent(buffer) == [bytes(2 * RATE // 50)]
