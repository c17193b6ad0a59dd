"""Audio comes as a speaker delivers it, or at once."""

from __future__ import annotations

import time

from auricle_server.bench.quality.recognisers.pacing import paced

PCM = bytes(range(256)) * 100  # 0.8 s


async def test_in_real_time_each_packet_comes_once_it_has_been_spoken() -> None:
    began, packets = time.monotonic(), []
    async for packet in paced(PCM, began, realtime=True):
        packets.append(packet)
        assert time.monotonic() - began >= 0.02 * len(packets) - 0.003
    assert b"".join(packets) == PCM
    assert len(packets) == 40


async def test_as_a_file_it_comes_at_once() -> None:
    began = time.monotonic()
    packets = [packet async for packet in paced(PCM, began, realtime=False)]
    assert b"".join(packets) == PCM
    assert len(packets) == 2
    assert time.monotonic() - began < 0.4


async def test_a_receiver_that_is_late_does_not_move_the_schedule() -> None:
    began = time.monotonic()
    async for _ in paced(PCM[:12_800], began, realtime=True):
        if time.monotonic() - began < 0.1:
            time.sleep(0.15)  # noqa: ASYNC251 - a receiver that keeps the loop busy
    assert time.monotonic() - began < 0.4 + 0.1
