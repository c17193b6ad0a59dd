"""What there is to compute, and what is answered without: the words between timelines and the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.engine.scheduling.commands import FlushCommand

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FlushAnswer:
    """A flush that needs no computing: everything before it has been decoded."""

    slot: int
    flush: FlushCommand
    samples: int


@dataclass(frozen=True, slots=True)
class BatchRows:
    """Chunks of one size to compute, one per stream; all [B].

    A whole chunk's state is kept. A flushed row ends inside its chunk, at `samples`, or in the silence imagined behind
    it; its state is thrown away, because the frames will be computed again when the rest of the chunk is there.

    Attributes:
        frames: Encoder frames of a chunk, c.
        slots: Whose.
        position: First encoder frame.
        samples: Audio position on which the row rests.
        end: The same and the silence imagined behind it.
        last: One past the last frame to decode.
        heard: Last encoder frame, absolute, that there is audio for.
        whole: Whether the chunk is complete; else this is a flush.
        marks: The flush that is answered, or `engine.types.NO_MARK`.
        ended: Whether that flush is the stream's last.
        prompt: Language prompt.
        terms: As in `Batch`.
        chunks: Chunks of each row; more than one only in rows of streams that nobody listens to live.
    """

    frames: int
    slots: Numbers
    position: Numbers
    samples: Numbers
    end: Numbers
    last: Numbers
    heard: Numbers
    whole: npt.NDArray[np.bool_]
    marks: Numbers
    ended: npt.NDArray[np.bool_]
    prompt: Numbers
    terms: Numbers
    chunks: int = 1

    def __len__(self) -> int:
        return len(self.slots)
