"""What a server knows of a turn between its events, for those who show or study it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from auricle.protocol.event_base import EventBase


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals(EventBase):
    """What the server knew of the turn after a chunk of audio, for those who show or study it; see `Start.signals`.

    At most one a chunk, before the chunk's other events. Those that a connection loses are not sent again.

    Attributes:
        turn_open: Whether a turn (in mode ``"off"`` a segment) has started and not ended.
        silence: Seconds of silence, as turn detection counts them: since the last word; in mode ``"semantic"``, where
            the server has the voice signal, since the voice fell silent after it. None before the first word.
        probability: Probability that the turn which is open, or ends with this chunk, has ended, 0 to 1: in mode
            ``"silence"`` the share of the silence that ends it. None without such a turn, and in mode ``"off"``.
        voice: Probability that somebody speaks at `audio_time`, 0 to 1, by the voice signal (Silero); None without it.
        complete: Probability that the turn sounds complete, 0 to 1, by the newest score of the prosody signal (Smart
            Turn) in this silence; None without one.
    """

    TYPE: ClassVar[str] = "signals"
    turn_open: bool
    silence: float | None = None
    probability: float | None = None
    voice: float | None = None
    complete: float | None = None
