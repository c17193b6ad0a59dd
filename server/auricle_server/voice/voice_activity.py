"""Where a voice starts and falls silent, window by window."""

from __future__ import annotations

from dataclasses import dataclass

from auricle_server.voice.silero import WINDOW

SPEECH_THRESHOLD = 0.5
SILENCE_THRESHOLD = 0.35
"""A voice starts with the window whose probability reaches the one, and ends with the first below the other: the
thresholds of Silero's own `VADIterator`. In between nothing changes, as the probability often dips inside a word."""


@dataclass(slots=True)
class VoiceActivity:
    """What is known of the voice after some windows. Positions are samples.

    Attributes:
        seen: End of the last window.
        floor: Where the open turn may start at the earliest; audio before it belongs to an earlier turn.
        speaking: Whether somebody speaks there.
        silent_since: Where the voice last fell silent; None while somebody speaks, and before the first voice.
        turn_start: Where the voice of the open turn started; None while it has none.
        speech_start: Where the voice last started; None before the first.
        voiced: Samples of windows with speech.
    """

    seen: int
    floor: int
    speaking: bool = False
    silent_since: int | None = None
    turn_start: int | None = None
    voiced: int = 0
    speech_start: int | None = None

    def step(self, probability: float) -> None:
        """Takes the speech probability of the next window."""
        start = self.seen
        self.seen += WINDOW
        if probability >= SPEECH_THRESHOLD:
            self.voiced += WINDOW
        if self.speaking:
            if probability < SILENCE_THRESHOLD:
                self.speaking, self.silent_since = False, start
        elif probability >= SPEECH_THRESHOLD:
            self.speaking, self.silent_since, self.speech_start = True, None, start
            if self.turn_start is None:
                self.turn_start = start

    @property
    def silent_windows(self) -> int:
        """Windows of silence in a turn that has had a voice; 0 otherwise."""
        if self.silent_since is None or self.turn_start is None:
            return 0
        return (self.seen - self.silent_since) // WINDOW

    def end_turn(self, position: int) -> None:
        """A turn ended at `position`: the next one starts with the next voice, or there if somebody speaks."""
        self.floor = position
        if self.turn_start is None or self.turn_start >= position:
            return
        self.turn_start = position if self.speaking else None
