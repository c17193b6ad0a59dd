"""Runs the demo: starts a server, plays the clips through both hosts, and prints the results."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from auricle_server.demo.picture import Picture
from auricle_server.demo.programme import AUDIO_FOLDER, Programme, compose, load_clips
from auricle_server.demo.report import details, summary
from auricle_server.demo.scores import TrackScore, score_track, shortcomings, summarise
from auricle_server.demo.screen import LiveScreen, PlainScreen, Screen
from auricle_server.demo.server_process import serve
from auricle_server.demo.track import CaptionEvent, Track

LATENCIES_MS = (80, 160, 560, 1120)
STAGGER_SECONDS = 0.07
EXTRA_SECONDS = 30.0
"""Seconds that a stream may take beyond the length of its audio."""
BUSY_SECONDS = 0.25
"""Delay of a frame above which the demo reports a busy machine."""

Play = Callable[[Track, str], Awaitable[None]]
Scores = Sequence[tuple[Track, Sequence[TrackScore]]]


def hosts() -> dict[str, Play]:
    """The players of both frameworks by name. Imports the frameworks, which takes seconds."""
    _reduce_logging()
    from auricle_server.demo import livekit_host, pipecat_host

    return {"Pipecat": pipecat_host.play, "LiveKit": livekit_host.play}


def _reduce_logging() -> None:
    """Shows only warnings of the frameworks, so that their logs do not cover the captions."""
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    logging.getLogger("livekit").setLevel(logging.WARNING)


async def run(console: Console, model: str, clips: Path | None = None, picture: Path | None = None) -> bool:
    """Plays the clips through both hosts at every latency, and prints the results.

    Args:
        console: Output: live captions on a terminal, lines otherwise.
        model: Model of the server.
        clips: Folder of the clips; None takes the bundled clips.
        picture: SVG file for a picture of the run; None for no picture.

    Returns:
        Whether every turn end came and every word error rate is within its limit.
    """
    began = time.monotonic()
    with console.status("Loading Pipecat and LiveKit"):
        players = hosts()
        programme = compose(load_clips(clips or AUDIO_FOLDER))
    performance = Performance(players, programme, lambda tracks: _screen(console, tracks))
    photographer = Picture(picture, performance.tracks) if picture else None
    if photographer:
        performance.screens.append(photographer)
    # It opens as many streams as there are tracks, however busy the machine: what comes late is said to be late.
    async with serve(model, "--max-load", "0") as (url, seconds):
        console.print(f"[green]✓[/] auricle serve is ready at {url} after {seconds:.1f} s")
        await performance.play(url)
    scores = performance.scores()
    if photographer:
        photographer.save(_summary(scores))
    passed = conclude(console, scores)
    console.print(f"[dim]The demo took {time.monotonic() - began:.0f} s.[/]")
    return passed


def _screen(console: Console, tracks: Sequence[Track]) -> Screen:
    return LiveScreen(console, tracks) if console.is_terminal else PlainScreen(console)


class Performance:
    """Every host at every latency, played at the same time.

    Args:
        players: The hosts by name.
        programme: What all of them play.
        make_screen: Makes the screen that shows the tracks.
    """

    def __init__(
        self, players: dict[str, Play], programme: Programme, make_screen: Callable[[Sequence[Track]], Screen]
    ) -> None:
        self._players = players
        self.tracks = [Track(name, ms, programme, self._show_caption) for name in players for ms in LATENCIES_MS]
        self.screens: list[Screen] = [make_screen(self.tracks)]

    def _show_caption(self, track: Track, caption: CaptionEvent) -> None:
        for screen in self.screens:
            screen.show_caption(track, caption)

    def scores(self) -> Scores:
        """Each track with its scores so far."""
        return [(track, score_track(track)) for track in self.tracks]

    async def play(self, url: str) -> None:
        """Plays all tracks to the end; their starts are staggered by `STAGGER_SECONDS`."""
        drawings = [asyncio.create_task(screen.show()) for screen in self.screens]
        starts = (number * STAGGER_SECONDS for number in range(len(self.tracks)))
        plays = (self._play(track, url, start) for track, start in zip(self.tracks, starts, strict=True))
        try:
            await asyncio.gather(*plays)
        finally:
            for drawing in drawings:
                drawing.cancel()
            await asyncio.gather(*drawings, return_exceptions=True)

    async def _play(self, track: Track, url: str, start: float) -> None:
        """Plays one track; an error becomes the failure of this track and does not stop the others."""
        await asyncio.sleep(start)
        limit = track.programme.duration + EXTRA_SECONDS
        try:
            await asyncio.wait_for(self._players[track.adapter](track, url), limit)
        except TimeoutError:
            track.failure = f"did not end within {limit:.0f} s"
        except Exception as error:  # noqa: BLE001 - the results name it, next to those of the other streams
            track.failure = f"{type(error).__name__}: {error}"


def _summary(scores: Scores) -> Table:
    return summary([summarise(track, each) for track, each in scores])


def problems_of(scores: Scores) -> list[str]:
    """Reasons why the demo fails; empty when it passes."""
    return [problem for track, each in scores for problem in shortcomings(track, each)]


def conclude(console: Console, scores: Scores) -> bool:
    """Prints the tables and the problems; returns whether there are none."""
    console.print(details(scores), _summary(scores), sep="\n\n")
    problems = problems_of(scores)
    for problem in problems:
        console.print(f"[bold red]✗[/] {problem}")
    lateness = max(track.lateness for track, _ in scores)
    if lateness > BUSY_SECONDS:
        console.print(f"[yellow]•[/] This machine is busy: audio was played up to {lateness:.1f} s late.")
    if not problems:
        console.print("[bold green]✓[/] Every turn end came, and every word error rate is within its limit.")
    return not problems
