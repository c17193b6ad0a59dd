"""Runs the demo on a page in the browser: the same performance, with lanes instead of lines."""

from __future__ import annotations

import asyncio
import os
import sys
import webbrowser
from pathlib import Path

from rich.console import Console

from auricle_server.demo.browser_screen import BrowserScreen, programme_event, result_event
from auricle_server.demo.event_log import EventLog
from auricle_server.demo.page_site import PageSite
from auricle_server.demo.programme import AUDIO_FOLDER, compose, load_clips
from auricle_server.demo.run import Performance, conclude, hosts
from auricle_server.demo.server_process import serve


class BrowserDemo:
    """The demo on a page, until its user ends it.

    Args:
        console: Gets the page's address, and the results of each performance.

    Attributes:
        passed: Whether all performances so far were within the limits; None before the first is complete.
    """

    def __init__(self, console: Console) -> None:
        self.passed: bool | None = None
        self._console = console

    async def run(self, model: str, clips: Path | None = None) -> None:
        """Plays a performance when the page opens and whenever its button asks for one; returns when it is closed.

        Args:
            model: Model of the server.
            clips: Folder of the clips; None takes the bundled clips.
        """
        with self._console.status("Loading Pipecat and LiveKit"):
            players = hosts()
            programme = compose(load_clips(clips or AUDIO_FOLDER))
        log = EventLog()
        site = PageSite(log, programme)
        async with serve(model, "--max-load", "0") as (url, seconds), site.serving():
            self._console.print(f"[green]✓[/] auricle serve is ready at {url} after {seconds:.1f} s")
            await self._announce(site.url)
            while await _first(site.wanted, site.ended) is site.wanted:
                performance = Performance(players, programme, lambda tracks: BrowserScreen(log, tracks))
                log.restart(programme_event(performance.tracks, url))
                if await _play(performance, url, site.ended):
                    self._conclude(performance, log)
                site.wanted.clear()
        self._console.print("[dim]The page was closed: the demo has ended.[/]")

    async def _announce(self, url: str) -> None:
        opened = await asyncio.to_thread(open_page, url)
        said = "The demo is in your browser, at" if opened else "Open this page in a browser to see the demo:"
        self._console.print(f"{said} [bold]{url}[/]  [dim](Ctrl-C ends it)[/]", soft_wrap=True)

    def _conclude(self, performance: Performance, log: EventLog) -> None:
        scores = performance.scores()
        log.publish(result_event(scores))
        self.passed = conclude(self._console, scores) and self.passed is not False


async def _play(performance: Performance, url: str, ended: asyncio.Event) -> bool:
    """Plays a performance; returns whether it is complete, and was not broken off by the end of the demo."""
    playing = asyncio.create_task(performance.play(url))
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait({playing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if playing.done():
        await playing
        return True
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    return False


async def _first(*events: asyncio.Event) -> asyncio.Event:
    """Waits for the first of some events; of several that are set it returns the last."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return [event for event in events if event.is_set()][-1]


def open_page(url: str) -> bool:
    """Opens an address in the user's browser; returns whether there is one that can."""
    # Without a screen `webbrowser` would start a browser for terminals, which knows no scripts and takes the terminal.
    screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    if sys.platform.startswith("linux") and not screen:
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
