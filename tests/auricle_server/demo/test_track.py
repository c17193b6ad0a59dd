from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from auricle_server.demo import track as track_module
from auricle_server.demo.programme import Clip, Programme, compose
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track


@pytest.fixture
def programme() -> Programme:
    return compose([Clip("Book a table.", "ann", bytes(16_000), speech_end=0.4)])


class Clock:
    """Stands in for the modules `time` and `asyncio` of the track: time passes only while it sleeps or stalls."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_frames_come_on_an_absolute_schedule(programme: Programme, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    for module in ("time", "asyncio"):
        monkeypatch.setattr(track_module, module, clock)
    track = Track("Pipecat", 160, programme, lambda _track, _caption: None)
    async for number, _frame in numbered(track):
        if number == 10:
            clock.now += 0.1  # the event loop stalls, as it does under load
        if number == 40:
            break
    assert clock.now == pytest.approx(1000.0 + 41 * 0.02)  # the stall was caught up
    assert track.lateness == pytest.approx(0.1 - 0.02)  # the stall began when frame 10 was played


async def numbered(track: Track) -> AsyncIterator[tuple[int, bytes]]:
    number = 0
    async for frame in track.frames():
        yield number, frame
        number += 1


def test_a_repeated_or_empty_interim_is_dropped(programme: Programme) -> None:
    reports: list[CaptionEvent] = []
    track = Track("Pipecat", 160, programme, lambda _track, caption: reports.append(caption))
    for text in ("", "Book", "Book ", "Book a"):
        track.report(CaptionKind.INTERIM, text)
    track.report(CaptionKind.FINAL, "Book a")
    assert [(caption.kind, caption.text) for caption in reports] == [
        (CaptionKind.INTERIM, "Book"),
        (CaptionKind.INTERIM, "Book a"),
        (CaptionKind.FINAL, "Book a"),
    ]
