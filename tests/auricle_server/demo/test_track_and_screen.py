"""Playing to the clock, and what is shown meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from rich.console import Console

from auricle_server.demo import track as track_module
from auricle_server.demo.programme import Clip, Programme, compose
from auricle_server.demo.screen import LiveScreen, PlainScreen
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
    track = Track("Pipecat", 160, programme, lambda _track, _heard: None)
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


def test_a_repeated_or_empty_interim_is_no_news(programme: Programme) -> None:
    told: list[CaptionEvent] = []
    track = Track("Pipecat", 160, programme, lambda _track, heard: told.append(heard))
    for text in ("", "Book", "Book ", "Book a"):
        track.report(CaptionKind.INTERIM, text)
    track.report(CaptionKind.FINAL, "Book a")
    assert [(heard.kind, heard.text) for heard in told] == [
        (CaptionKind.INTERIM, "Book"),
        (CaptionKind.INTERIM, "Book a"),
        (CaptionKind.FINAL, "Book a"),
    ]


def test_plain_lines_hold_time_stream_kind_and_delay(programme: Programme) -> None:
    console = Console(width=100, color_system=None)
    screen = PlainScreen(console)
    tracks = [Track("LiveKit", latency, programme, screen.heard) for latency in (80, 160)]
    with console.capture() as captured:
        for track in tracks:
            screen.heard(track, CaptionEvent(CaptionKind.INTERIM, "Book", 0.6))
            screen.heard(track, CaptionEvent(CaptionKind.TURN_END, "Book a table.", 1.5))
    lines = captured.get().splitlines()
    assert [line.split()[3] for line in lines] == ["80", "160", "160"]  # the interims of one latency only
    assert "turn end" in lines[0]
    assert "[+0.70 s]" in lines[0]  # speech ended at 0.8


async def test_the_live_screen_shows_caption_and_turn_end(programme: Programme) -> None:
    console = Console(width=100, color_system=None, force_terminal=True)
    tracks = [Track("Pipecat", 80, programme, lambda _track, _heard: None)]
    screen = LiveScreen(console, tracks)
    screen.heard(tracks[0], CaptionEvent(CaptionKind.FINAL, "Book a table.", 1.4))
    screen.heard(tracks[0], CaptionEvent(CaptionKind.TURN_END, "Book a table.", 1.4))
    with console.capture() as captured:
        drawing = asyncio.create_task(screen.show())
        await asyncio.sleep(0.1)
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
    assert "Book a table." in captured.get()
    assert "● turn end" in captured.get()
