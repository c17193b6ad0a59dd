"""The demo from its first sample to its verdict."""

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
PATIENCE_SECONDS = 30.0
"""How much longer than its audio a stream may take."""
BUSY_SECONDS = 0.25

Play = Callable[[Track, str], Awaitable[None]]


def hosts() -> dict[str, Play]:
    """The two frameworks, by the name that the demo shows. Imports them, which takes seconds."""
    _quieten()
    from auricle_server.demo import livekit_host, pipecat_host

    return {"Pipecat": pipecat_host.play, "LiveKit": livekit_host.play}


def _quieten() -> None:
    """Leaves the frameworks' warnings and drops their chatter: the screen belongs to the captions."""
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    logging.getLogger("livekit").setLevel(logging.WARNING)


async def run(console: Console, model: str, clips: Path | None = None, picture: Path | None = None) -> bool:
    """Plays the clips through both hosts at every latency and prints what came of it.

    Args:
        console: Where to show it: moving captions when it is a terminal, lines otherwise.
        model: That the server loads.
        clips: Folder of the clips; None takes the bundled ones.
        picture: Where to save a picture of the run, as SVG.

    Returns:
        Whether every turn end came and every word error rate is in bounds.
    """
    began = time.monotonic()
    with console.status("Loading Pipecat and LiveKit"):
        players = hosts()
        programme = compose(load_clips(clips or AUDIO_FOLDER))
    show = _Show(console, players, programme)
    photographer = Picture(picture, show.tracks) if picture else None
    if photographer:
        show.screens.append(photographer)
    # It opens as many streams as there are tracks, however busy the machine: what comes late is said to be late.
    async with serve(model, "--max-load", "0") as (url, seconds):
        console.print(f"[green]✓[/] auricle serve is ready at {url} after {seconds:.1f} s")
        await show.play(url)
    scores = [(track, score_track(track)) for track in show.tracks]
    if photographer:
        photographer.save(_summary(scores))
    passed = _conclude(console, scores)
    console.print(f"[dim]The demo took {time.monotonic() - began:.0f} s.[/]")
    return passed


class _Show:
    """Every host at every latency, played at once and shown while it plays."""

    def __init__(self, console: Console, players: dict[str, Play], programme: Programme) -> None:
        self._players = players
        self.tracks = [Track(name, ms, programme, self._on_heard) for name in players for ms in LATENCIES_MS]
        live = console.is_terminal
        self.screens: list[Screen] = [LiveScreen(console, self.tracks) if live else PlainScreen(console)]

    def _on_heard(self, track: Track, heard: CaptionEvent) -> None:
        for screen in self.screens:
            screen.heard(track, heard)

    async def play(self, url: str) -> None:
        """Plays all tracks to their end, each starting a little after the one before it."""
        drawings = [asyncio.create_task(screen.show()) for screen in self.screens]
        starts = (number * STAGGER_SECONDS for number in range(len(self.tracks)))
        await asyncio.gather(*(self._play(track, url, start) for track, start in zip(self.tracks, starts, strict=True)))
        for drawing in drawings:
            drawing.cancel()
        await asyncio.gather(*drawings, return_exceptions=True)

    async def _play(self, track: Track, url: str, start: float) -> None:
        """Plays one track; whatever goes wrong with it is its own failure and leaves the others alone."""
        await asyncio.sleep(start)
        limit = track.programme.duration + PATIENCE_SECONDS
        try:
            await asyncio.wait_for(self._players[track.adapter](track, url), limit)
        except TimeoutError:
            track.failure = f"did not end within {limit:.0f} s"
        except Exception as error:  # noqa: BLE001 - the verdict names it, with the other streams' results
            track.failure = f"{type(error).__name__}: {error}"


def _summary(scores: Sequence[tuple[Track, Sequence[TrackScore]]]) -> Table:
    return summary([summarise(track, each) for track, each in scores])


def _conclude(console: Console, scores: Sequence[tuple[Track, Sequence[TrackScore]]]) -> bool:
    """Prints the tables and the verdict; returns whether it is a good one."""
    console.print(details(scores), _summary(scores), sep="\n\n")
    problems = [problem for track, each in scores for problem in shortcomings(track, each)]
    for problem in problems:
        console.print(f"[bold red]✗[/] {problem}")
    lateness = max(track.lateness for track, _ in scores)
    if lateness > BUSY_SECONDS:
        console.print(f"[yellow]•[/] This machine is busy: audio was played up to {lateness:.1f} s late.")
    if not problems:
        console.print("[bold green]✓[/] Every turn end came, and every word error rate is in bounds.")
    return not problems
