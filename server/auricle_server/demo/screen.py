"""The demo's output while it plays: live captions on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from auricle_server.demo.programme import ScriptedUtterance
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track

_FRAMES_PER_SECOND = 12
PLAIN_INTERIMS_MS = 160
"""Plain output shows the interims of this latency only, and the finals and turn ends of all."""


class Screen(Protocol):
    """Shows the tracks while they play."""

    def show_caption(self, track: Track, caption: CaptionEvent) -> None:
        """Shows a report of a host."""

    async def show(self) -> None:
        """Draws until cancelled."""


class PlainScreen:
    """One line for each report."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show_caption(self, track: Track, caption: CaptionEvent) -> None:
        """Prints the report."""
        if caption.kind is CaptionKind.INTERIM and track.latency_ms != PLAIN_INTERIMS_MS:
            return
        stream = f"{caption.at:6.2f} s  {track.adapter:<8}{track.latency_ms:>5} ms  {caption.kind.value:<9}"
        self._console.print(Text(f"{stream} {caption.text}{_delay(track, caption)}"), soft_wrap=True)

    async def show(self) -> None:
        """Does nothing: the lines are printed as they come."""


def _delay(track: Track, caption: CaptionEvent) -> str:
    """Delay of a final or a turn end after the true end of speech; empty for an interim."""
    if caption.kind is CaptionKind.INTERIM:
        return ""
    utterance = track.programme.utterances[track.programme.utterance_at(caption.at)]
    return f"  [{caption.at - utterance.speech_end:+.2f} s]"


@dataclass(slots=True)
class _CaptionLine:
    """One stream's caption on the screen."""

    utterance: int = 0
    text: str = ""
    final: bool = False
    turn_delay: float | None = None


class LiveScreen:
    """The spoken text, and below it the live captions of every stream."""

    def __init__(self, console: Console, tracks: Sequence[Track]) -> None:
        self._console = console
        self._tracks = tracks
        self._lines = {id(track): _CaptionLine() for track in tracks}

    def show_caption(self, track: Track, caption: CaptionEvent) -> None:
        """Updates the caption line of the stream."""
        line = self._lines[id(track)]
        number = track.programme.utterance_at(caption.at)
        if number != line.utterance:
            line = self._lines[id(track)] = _CaptionLine(number)
        if caption.kind is CaptionKind.TURN_END:
            line.turn_delay = caption.at - track.programme.utterances[number].speech_end
            return
        line.text, line.final = caption.text or line.text, caption.kind is CaptionKind.FINAL
        if caption.kind is CaptionKind.INTERIM:
            line.turn_delay = None  # the speaker continued

    async def show(self) -> None:
        """Draws twelve times a second until cancelled; the last picture stays."""
        with Live(self.render(), console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(self.render(), refresh=True)
                    await asyncio.sleep(1 / _FRAMES_PER_SECOND)
            finally:
                live.update(self.render(), refresh=True)

    def render(self) -> RenderableType:
        """The screen at this moment."""
        panels = [
            Panel(self._captions(list(tracks)), title=f"[bold]{adapter}", title_align="left", border_style="blue")
            for adapter, tracks in groupby(self._tracks, key=lambda track: track.adapter)
        ]
        return Group(self._speaker(), *panels)

    def _speaker(self) -> RenderableType:
        track = self._tracks[0]
        position = track.position
        utterance = track.programme.utterances[track.programme.utterance_at(position)]
        bar = ProgressBar(total=track.programme.duration, completed=min(position, track.programme.duration), width=None)
        title = f"[bold]now speaking[/] [dim]({utterance.voice})"
        return Panel(Group(_karaoke(utterance, position), bar), title=title, title_align="left", border_style="cyan")

    def _captions(self, tracks: Sequence[Track]) -> Table:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(justify="right", style="dim", width=7)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column(justify="right", width=19)
        for track in tracks:
            table.add_row(f"{track.latency_ms} ms", *self._caption(track))
        return table

    def _caption(self, track: Track) -> tuple[Text, Text]:
        line = self._lines[id(track)]
        if line.utterance != track.programme.utterance_at(track.position):
            return Text(), Text()
        style = "bold" if line.final else "italic yellow"
        if line.turn_delay is None:
            return Text(line.text, style=style), Text()
        return Text(line.text, style=style), Text(f"● turn end {line.turn_delay:+.2f} s", style="green")


def _karaoke(utterance: ScriptedUtterance, position: float) -> Text:
    """The spoken text; the words that have been spoken by now, estimated by time, are bold."""
    words = utterance.text.split()
    share = (position - utterance.begins) / (utterance.speech_end - utterance.begins)
    said = round(min(1.0, max(0.0, share)) * len(words))
    return Text(" ".join(words[:said]), style="bold cyan").append(" " + " ".join(words[said:]), style="dim")
