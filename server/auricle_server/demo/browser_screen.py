"""The demo's output on a page: the same reports that the terminal shows, as events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from auricle_server.demo.event_log import Event, EventLog
from auricle_server.demo.scores import MAX_WORD_ERROR_RATE, TrackScore, shortcomings, summarise
from auricle_server.demo.track import CaptionEvent, Track

_CLOCK_SECONDS = 0.25


class BrowserScreen:
    """Tells the page what the tracks do.

    Args:
        log: What the page is told.
        tracks: The streams of the performance, the page's lanes.
    """

    def __init__(self, log: EventLog, tracks: Sequence[Track]) -> None:
        self._log = log
        self._tracks = tracks
        self._lanes = {id(track): lane for lane, track in enumerate(tracks)}

    def show_caption(self, track: Track, caption: CaptionEvent) -> None:
        """Tells the page of a report of a host."""
        lane = self._lanes[id(track)]
        event = {"type": "caption", "lane": lane, "kind": caption.kind.value, "text": caption.text, "at": caption.at}
        self._log.publish(event)

    async def show(self) -> None:
        """Tells the page four times a second where each track is, until cancelled; in between it reckons on."""
        while True:
            positions = [round(track.position, 3) for track in self._tracks]
            self._log.publish({"type": "clock", "positions": positions}, keep=False)
            await asyncio.sleep(_CLOCK_SECONDS)


def programme_event(tracks: Sequence[Track], server_url: str) -> Event:
    """What the page must know before a performance begins.

    Args:
        tracks: The streams of the performance.
        server_url: Of the server, ``ws://HOST:PORT...``; its console is at the same address.
    """
    programme = tracks[0].programme
    return {
        "type": "programme",
        "seconds": programme.duration,
        "utterances": [asdict(utterance) for utterance in programme.utterances],
        "lanes": [{"adapter": track.adapter, "latency_ms": track.latency_ms} for track in tracks],
        "console": server_url.replace("ws", "http", 1).partition("/v1/")[0].rstrip("/") + "/",
    }


def result_event(scores: Sequence[tuple[Track, Sequence[TrackScore]]]) -> Event:
    """The result of a performance: the figures of the terminal's tables."""
    return {
        "type": "result",
        "problems": [problem for track, each in scores for problem in shortcomings(track, each)],
        "late_seconds": max(track.lateness for track, _ in scores),
        "most_word_errors": MAX_WORD_ERROR_RATE,
        "lanes": [_lane_result(track, each) for track, each in scores],
    }


def _lane_result(track: Track, scores: Sequence[TrackScore]) -> Event:
    total = summarise(track, scores)
    return {
        "word_error_rate": total.word_error_rate,
        "final_delay": total.final_delay,
        "turn_delay": total.turn_delay,
        "utterances": [
            {
                "hypothesis": score.hypothesis,
                "word_error_rate": score.word_error_rate,
                "final_delay": score.final_delay,
                "turn_delay": score.turn_delay,
            }
            for score in scores
        ],
    }
