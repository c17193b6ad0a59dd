from __future__ import annotations

import asyncio

from auricle._stream.replay_buffer import ReplayBuffer
from auricle._stream.stream_input import StreamInput
from auricle.protocol import Finalize
from tests.support.bursts import START, ready, silence


def connected(send_buffer_seconds: float = 2.0) -> StreamInput:
    buffer = ReplayBuffer(START, replay_seconds=60.0, packet_seconds=0.0)
    buffer.attach(ready(START))
    return StreamInput(buffer, send_buffer_seconds)


async def test_the_task_wakes_when_something_is_added() -> None:
    stream_input = connected()
    waiting = asyncio.create_task(stream_input.next_unsent())
    await asyncio.sleep(0)
    assert not waiting.done()
    stream_input.add_message(Finalize("a"))
    assert await waiting == Finalize("a")


async def test_a_caller_waits_for_the_connection_to_take_audio() -> None:
    stream_input = connected()
    stream_input.add_audio(silence(2.0))
    assert not stream_input.has_capacity
    assert stream_input.is_stalled
    waiting = asyncio.create_task(stream_input.wait_for_capacity())
    await asyncio.sleep(0)
    assert not waiting.done()
    await stream_input.next_unsent()
    stream_input.sent()
    await waiting
    assert not stream_input.is_stalled


async def test_a_larger_buffer_leaves_the_stall_where_it_was() -> None:
    stream_input = connected(send_buffer_seconds=10.0)
    stream_input.add_audio(silence(3.0))
    assert stream_input.has_capacity
    assert stream_input.is_stalled


async def test_nobody_waits_for_a_stream_that_is_over() -> None:
    stream_input = connected()
    stream_input.add_audio(silence(2.0))
    waiting = asyncio.create_task(stream_input.wait_for_capacity())
    await asyncio.sleep(0)
    stream_input.close()
    await waiting
    stream_input.reopen()
    assert not stream_input.has_capacity
