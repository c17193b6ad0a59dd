"""`auricle demo`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from auricle_server.commands.console import fail

_LOG_WIDTH = 130


def demo(
    model: Annotated[str, typer.Option(help="Model of the server.")] = "demo",
    clips: Annotated[
        Path | None,
        typer.Option(
            help="Folder with your own clips: 16 kHz mono files, and a manifest.json that lists file, text, voice and "
            "speech_end (in seconds) of each.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Save a picture of the run as SVG.")] = None,
    browser: Annotated[
        bool, typer.Option("--browser", help="Show it on a page in the browser, and again as often as you like.")
    ] = False,
) -> None:
    """Show live captions and turn ends in Pipecat and LiveKit. Takes about a minute.

    Starts a server on a free port, plays the bundled clips in real time through a Pipecat pipeline and a LiveKit
    agent session at four chunk latencies, and prints word error rates and delays. The exit code is 1 when a turn end
    is missing or a word error rate is too high.

    With --browser the eight streams are lanes on a page, whose address is printed. Closing the page, or Ctrl-C, ends
    the demo. The exit code is 1 when one of its runs would have it, and 130 when none is complete.
    """
    if browser and picture:
        fail("--picture draws the terminal's screen; leave it out with --browser")
        raise typer.Exit(2)
    try:
        from auricle_server.demo.browser import BrowserDemo
        from auricle_server.demo.run import run
        from auricle_server.demo.server_process import ServerFailed
    except ModuleNotFoundError as missing:
        fail(f"{missing.name} is not installed; in a checkout of Auricle, run: pip install '.[server,pipecat,livekit]'")
        raise typer.Exit(1) from missing
    shown = BrowserDemo(_console())
    try:
        if browser:
            asyncio.run(shown.run(model, clips))
            passed = shown.passed
        else:
            passed = asyncio.run(run(_console(), model, clips, picture))
    except ServerFailed as error:
        fail(str(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        passed = shown.passed
    raise typer.Exit(130 if passed is None else 0 if passed else 1)


def _console() -> Console:
    """The terminal, or for a file or pipe a console that is wide enough for the tables."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH)
