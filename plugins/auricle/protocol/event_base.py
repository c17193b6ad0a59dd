"""What every event of a server has."""

from __future__ import annotations

from dataclasses import dataclass


# Keywords only, so that the events may have fields without defaults after these two.
@dataclass(frozen=True, slots=True, kw_only=True)
class EventBase:
    """The two fields of every event."""

    seq: int = 0
    """Number of this event in its stream, from 1 on; `ServerConnection.send` sets it."""
    audio_time: float = 0.0
    """Audio position, in seconds, at which the event was decided."""
