from __future__ import annotations

import asyncio

from auricle._stream.replay_buffer import ReplayBuffer
from auricle._stream.stream_input import SendWindow, StreamInput
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


def test_with_a_connection_two_seconds_are_two_seconds() -> None:
    room = SendWindow(2.0)
    assert room.allows(1.9, 50.0, now=100.0)
    assert not room.allows(2.0, 50.0, now=100.0)


def test_a_microphone_is_not_held_up_by_an_outage() -> None:
    room = SendWindow(2.0)
    room.interrupted(50.0, now=100.0)
    for elapsed in range(300):
        assert room.allows(10.0 + elapsed, 50.0 + elapsed, now=100.0 + elapsed)


def test_a_file_is() -> None:
    room = SendWindow(2.0)
    room.interrupted(50.0, now=100.0)
    assert room.allows(11.9, 51.9, now=100.0)
    assert not room.allows(12.0, 52.0, now=100.0)


def test_a_file_gains_nothing_by_one_interruption_after_another() -> None:
    room = SendWindow(2.0)
    said = 50.0
    for now in range(100, 200):
        room.interrupted(said, now=float(now))
        while room.allows(30.0, said, now=float(now)):
            said += 0.1
    assert said < 50.0 + 2.0 + 100.0


def test_a_microphone_is_not_held_up_by_one_interruption_after_another() -> None:
    room = SendWindow(2.0)
    for elapsed in range(100):
        room.interrupted(50.0 + elapsed, now=100.0 + elapsed)
        assert room.allows(30.0, 50.0 + elapsed, now=100.0 + elapsed)


def test_once_caught_up_the_ordinary_bound_holds() -> None:
    room = SendWindow(2.0)
    room.interrupted(50.0, now=100.0)
    room.sent(5.0)
    assert room.allows(5.0, 51.0, now=101.0)
    room.sent(1.0)
    assert not room.allows(2.0, 51.0, now=101.0)


def test_a_stalled_server_is_found_out_however_far_a_caller_may_run_ahead() -> None:
    window = SendWindow(60.0, stall_seconds=2.0)
    assert window.allows(59.9, 100.0, now=100.0)
    assert not window.allows(60.0, 100.0, now=100.0)
    assert not window.stalls(1.9, 100.0, now=100.0)
    assert window.stalls(2.0, 100.0, now=100.0)


def test_a_server_that_still_catches_up_with_a_live_speaker_does_not_stall() -> None:
    window = SendWindow(60.0, stall_seconds=2.0)
    window.interrupted(50.0, now=100.0)
    window.sent(5.0)
    assert not window.stalls(5.0, 60.0, now=110.0)
    window.sent(1.0)
    assert window.stalls(5.0, 60.0, now=110.0)


async def test_a_caller_may_end_the_wait_for_the_next_attempt() -> None:
    stream_input = connected()
    stream_input.retry()  # nothing waits yet: the next wait is a whole one
    await stream_input.wait_for_retry(0.0)
    waiting = asyncio.create_task(stream_input.wait_for_retry(3600.0))
    await asyncio.sleep(0)
    assert not waiting.done()
    stream_input.retry()
    async with asyncio.timeout(10):
        await waiting
