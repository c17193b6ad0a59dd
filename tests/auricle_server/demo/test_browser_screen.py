from __future__ import annotations

import asyncio
from typing import Any

import pytest

from auricle_server.demo.browser_screen import BrowserScreen, programme_event, result_event
from auricle_server.demo.event_log import EventLog
from auricle_server.demo.programme import Clip, compose
from auricle_server.demo.scores import score_track
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track

PROGRAMME = compose([Clip("Book a table.", "ann", bytes(16_000), speech_end=0.4)])


class SpyLog(EventLog):
    """Keeps what is published, and whether it stays for later readers."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = asyncio.Event()
        self.published: list[tuple[dict[str, Any], bool]] = []

    def publish(self, event: dict[str, Any], *, keep: bool = True) -> None:
        self.published.append((event, keep))
        if len(self.published) == 2:
            self.twice.set()


def tracks() -> list[Track]:
    return [Track(name, 80, PROGRAMME, lambda _track, _caption: None) for name in ("Pipecat", "LiveKit")]


def test_captions_name_their_lane() -> None:
    log, both = SpyLog(), tracks()
    screen = BrowserScreen(log, both)
    screen.show_caption(both[1], CaptionEvent(CaptionKind.TURN_END, "Book a table.", 1.5))
    caption = {"type": "caption", "lane": 1, "kind": "turn end", "text": "Book a table.", "at": 1.5}
    assert log.published == [(caption, True)]


async def test_the_clock_is_told_and_not_kept() -> None:
    log = SpyLog()
    showing = asyncio.create_task(BrowserScreen(log, tracks()).show())
    await asyncio.wait_for(log.twice.wait(), 30)
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)
    assert log.published[0] == ({"type": "clock", "positions": [0.0, 0.0]}, False)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:8765", "ws://127.0.0.1:8765/", "ws://127.0.0.1:8765/v1/stream"])
def test_the_programme_names_lanes_utterances_and_the_console(url: str) -> None:
    event = programme_event(tracks(), url)
    assert event["lanes"] == [{"adapter": "Pipecat", "latency_ms": 80}, {"adapter": "LiveKit", "latency_ms": 80}]
    assert event["utterances"][0]["text"] == "Book a table."
    assert event["utterances"][0]["speech_end"] == pytest.approx(0.8)
    assert event["console"] == "http://127.0.0.1:8765/"


def test_the_result_has_the_figures_and_the_problems_of_the_terminal() -> None:
    good, bad = tracks()
    good.captions += [
        CaptionEvent(CaptionKind.FINAL, "Book a table.", 1.2),
        CaptionEvent(CaptionKind.TURN_END, "Book a table.", 1.5),
    ]
    bad.failure = "did not end within 30 s"
    event = result_event([(track, score_track(track)) for track in (good, bad)])
    assert event["lanes"][0]["word_error_rate"] == 0
    assert event["lanes"][0]["turn_delay"] == pytest.approx(0.7)
    assert event["lanes"][0]["utterances"][0]["hypothesis"] == "Book a table."
    assert event["lanes"][1]["final_delay"] is None
    assert event["problems"] == [
        "LiveKit at 80 ms: did not end within 30 s",
        "LiveKit at 80 ms: no turn end after “Book a table.”",
        "LiveKit at 80 ms: word error rate 100%, the limit is 40%",
    ]
