from __future__ import annotations

import asyncio

import pytest

from auricle import ConnectionFailed, Interim, Reconnecting, Signals, SpeechStarted, StreamEvent
from auricle._stream.event_queue import MAX_QUEUED, EventQueue
from auricle.protocol.replaceable import CROWDED

LOST = ConnectionFailed("lost", "it broke")


def interim(text: str) -> Interim:
    return Interim(text=text, start=0.0, end=1.0, language="en")


async def test_events_come_out_in_order() -> None:
    mailbox = EventQueue()
    events: list[StreamEvent] = [SpeechStarted(start=1.0), interim("a"), SpeechStarted(start=2.0)]
    for event in events:
        await mailbox.put(event)
    assert [await mailbox.get() for _ in events] == events


async def test_only_the_newest_of_several_interims_waits() -> None:
    mailbox = EventQueue()
    for event in (interim("a"), interim("a b"), SpeechStarted(start=1.0), interim("c"), interim("c d")):
        await mailbox.put(event)
    assert [await mailbox.get() for _ in range(3)] == [interim("a b"), SpeechStarted(start=1.0), interim("c d")]


async def test_only_the_newest_signals_wait_and_interims_are_replaced_across_them() -> None:
    queue = EventQueue()
    for number in range(1000):
        await queue.put(Signals(audio_time=number, turn_open=True))
        await queue.put(interim(str(number)))
    assert len(queue) <= CROWDED
    events = [await queue.get() for _ in range(len(queue))]
    assert events[-2:] == [Signals(audio_time=999, turn_open=True), interim("999")]
    assert sum(isinstance(event, Interim) for event in events) == 1


async def test_only_the_newest_reconnection_notice_waits() -> None:
    mailbox = EventQueue()
    for attempt in range(10_000):
        mailbox.put_nowait(Reconnecting(attempt, 0.1, LOST))
    assert len(mailbox) == 1


async def test_a_full_mailbox_waits_for_its_reader() -> None:
    mailbox = EventQueue()
    for index in range(MAX_QUEUED):
        await mailbox.put(SpeechStarted(start=float(index)))
    waiting = asyncio.create_task(mailbox.put(SpeechStarted(start=-1.0)))
    await asyncio.sleep(0)
    assert not waiting.done()
    await mailbox.get()
    await waiting
    assert len(mailbox) == MAX_QUEUED


async def test_the_end_comes_after_the_events() -> None:
    mailbox = EventQueue()
    await mailbox.put(interim("a"))
    mailbox.close(None)
    assert await mailbox.get() == interim("a")
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await mailbox.get()


async def test_an_error_comes_after_the_events_and_stays() -> None:
    mailbox = EventQueue()
    await mailbox.put(interim("a"))
    mailbox.close(LOST)
    assert await mailbox.get() == interim("a")
    for _ in range(2):
        with pytest.raises(ConnectionFailed):
            await mailbox.get()


async def test_a_waiting_reader_wakes_at_the_end() -> None:
    mailbox = EventQueue()
    reader = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.close(LOST)
    with pytest.raises(ConnectionFailed):
        await reader
