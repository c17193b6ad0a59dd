"""Where a voice starts and falls silent, window by window."""

from __future__ import annotations

from dataclasses import dataclass

from auricle_server.voice.silero import WINDOW

SPEAKS = 0.5
FALLS_SILENT = 0.35
"""A voice starts with the window whose probability reaches the one, and ends with the first below the other: Silero's
own thresholds. Between them it goes on as it was, as the probability often dips inside a word."""


@dataclass(slots=True)
class VoiceActivity:
    """What is known of the voice once some windows have been seen. Positions are samples.

    Attributes:
        seen: How far the windows seen reach.
        speaking: Whether somebody speaks there.
        silent_since: Where the voice last fell silent; None while somebody speaks, and before anybody has.
        turn_start: Where the voice of the turn under way started; None while it has none.
        floor: Where that turn may start at the earliest: nothing before it belongs to the turn.
    """

    seen: int
    floor: int
    speaking: bool = False
    silent_since: int | None = None
    turn_start: int | None = None

    def step(self, probability: float) -> None:
        """The next window."""
        start = self.seen
        self.seen += WINDOW
        if self.speaking:
            if probability < FALLS_SILENT:
                self.speaking, self.silent_since = False, start
        elif probability >= SPEAKS:
            self.speaking, self.silent_since = True, None
            if self.turn_start is None:
                self.turn_start = start

    @property
    def silent_windows(self) -> int:
        """Windows of silence in a turn that has had a voice; 0 otherwise."""
        if self.silent_since is None or self.turn_start is None:
            return 0
        return (self.seen - self.silent_since) // WINDOW

    def end_turn(self, position: int) -> None:
        """A turn ended there: the next one starts with the next voice, or there if somebody speaks."""
        self.floor = position
        if self.turn_start is None or self.turn_start >= position:
            return
        self.turn_start = position if self.speaking else None
