"""A picture of a run of the demo, as SVG."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, RenderableType

from auricle_server.demo.screen import LiveScreen
from auricle_server.demo.track import CaptionEvent, Track

_WIDTH = 110
_UTTERANCE = 1
_AFTER_SPEECH_SECONDS = 0.95
"""The moment of the picture: streams with short chunks have ended the turn, those with long chunks have not."""


class Picture:
    """The screen at one moment of the run, and the closing summary.

    Args:
        path: File to write.
        tracks: The streams of the run.
    """

    def __init__(self, path: Path, tracks: Sequence[Track]) -> None:
        self._path = path
        self._track = tracks[0]
        self._console = Console(width=_WIDTH, record=True, file=io.StringIO(), force_terminal=True, highlight=False)
        self._screen = LiveScreen(self._console, tracks)

    def show_caption(self, track: Track, caption: CaptionEvent) -> None:
        """Shows a report of a host on the recorded screen."""
        self._screen.show_caption(track, caption)

    async def show(self) -> None:
        """Waits for the moment and takes the picture."""
        utterances = self._track.programme.utterances
        moment = utterances[min(_UTTERANCE, len(utterances) - 1)].speech_end + _AFTER_SPEECH_SECONDS
        while self._track.position < moment:  # noqa: ASYNC110 - the track's clock starts when its host is ready
            await asyncio.sleep(0.02)
        self._console.print(self._screen.render())

    def save(self, summary: RenderableType) -> None:
        """Writes the file."""
        self._console.print(summary)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._console.save_svg(str(self._path), title="auricle demo")
