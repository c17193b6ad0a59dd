"""Positions in a stream's audio that `Ready` names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChunkGrid:
    """The points of the audio at which the server can take its next step: `first` seconds, then every `step` seconds.

    Audio that does not reach such a point can wait for more at the client.
    """

    first: float
    step: float


# Counted in samples: exact at any rate, and the same for every encoding.
@dataclass(frozen=True, slots=True)
class Held:
    """How much of a resumed stream the server has received; the client continues after that.

    Attributes:
        samples: Samples of the client's audio.
        messages: Number of `Update`, `Finalize` and `End` messages.
    """

    samples: int
    messages: int
