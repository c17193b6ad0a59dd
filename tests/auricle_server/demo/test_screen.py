from __future__ import annotations

import asyncio

import pytest
from rich.console import Console

from auricle_server.demo.programme import Clip, Programme, compose
from auricle_server.demo.screen import LiveScreen, PlainScreen
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track


@pytest.fixture
def programme() -> Programme:
    return compose([Clip("Book a table.", "ann", bytes(16_000), speech_end=0.4)])


def test_plain_lines_hold_time_stream_kind_and_delay(programme: Programme) -> None:
    console = Console(width=100, color_system=None)
    screen = PlainScreen(console)
    tracks = [Track("LiveKit", latency, programme, screen.show_caption) for latency in (80, 160)]
    with console.capture() as captured:
        for track in tracks:
            screen.show_caption(track, CaptionEvent(CaptionKind.INTERIM, "Book", 0.6))
            screen.show_caption(track, CaptionEvent(CaptionKind.TURN_END, "Book a table.", 1.5))
    lines = captured.get().splitlines()
    assert [line.split()[3] for line in lines] == ["80", "160", "160"]  # the interims of one latency only
    assert "turn end" in lines[0]
    assert "[+0.70 s]" in lines[0]  # speech ended at 0.8


async def test_the_live_screen_shows_caption_and_turn_end(programme: Programme) -> None:
    console = Console(width=100, color_system=None, force_terminal=True)
    tracks = [Track("Pipecat", 80, programme, lambda _track, _caption: None)]
    screen = LiveScreen(console, tracks)
    screen.show_caption(tracks[0], CaptionEvent(CaptionKind.FINAL, "Book a table.", 1.4))
    screen.show_caption(tracks[0], CaptionEvent(CaptionKind.TURN_END, "Book a table.", 1.4))
    with console.capture() as captured:
        drawing = asyncio.create_task(screen.show())
        await asyncio.sleep(0.1)
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
    assert "Book a table." in captured.get()
    assert "● turn end" in captured.get()
