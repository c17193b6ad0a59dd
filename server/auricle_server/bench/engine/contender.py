"""What a side of a comparison is: an engine that takes one chunk of each of its streams at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]


class SideMissing(RuntimeError):
    """What a side needs is not installed; the message says how to get it."""


class Side(Protocol):
    """An engine with a fixed number of live streams."""

    name: str

    def round(self, chunks: Pcm) -> None:
        """One chunk of every stream, [streams, samples]: all of them computed when this returns."""
        ...

    def close(self) -> None:
        """Ends its streams."""
        ...
