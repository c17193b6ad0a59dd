"""Audio goes out when it completes a chunk, and never later than that."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from auricle._stream.replay_buffer import LONGEST_WAIT_SECONDS, Packetizer
from auricle.protocol.server_messages import ChunkGrid


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
