"""What to compute, and what is answered without computing: the values between `StreamInputs` and the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from auricle_server.engine.scheduling.commands import FlushCommand

Slots = npt.NDArray[np.integer[Any]]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FlushAnswer:
    """A flush that needs no computing: everything before it has been decoded."""

    slot: int
    flush: FlushCommand
    samples: int


@dataclass(frozen=True, slots=True)
class ReadyRows:
    """What n slots have to compute next.

    Attributes:
        frames: Encoder frames of each slot's next row, 0 where nothing is ready, [n].
        urgent: Whether the row is a flush, for which a caller waits, [n].
        answers: Flushes that were answered without computing.
        released: Handles of key terms that a stream no longer uses, one entry for each use.
    """

    frames: Int64s
    urgent: Bools
    answers: Sequence[FlushAnswer]
    released: Sequence[int]


@dataclass(frozen=True, slots=True)
class BatchRows:
    """Chunks of one size to compute, one per stream; all [B].

    The state of a whole chunk is kept. A flushed row ends inside its chunk, at `samples`, or in the silence that is
    appended to it; its state is thrown away, because its frames are computed again when the rest of the chunk arrives.

    Attributes:
        frames: Encoder frames of a chunk, c.
        slots: Slot of each row.
        position: First encoder frame.
        origin: Frame of the stream at which the model's frame 0 lies.
        samples: Audio position on which the row rests: samples of the stream.
        end: `samples` and the silence that a flush appends.
        last: One past the last frame of the chunk to decode.
        last_audio_frame: Last encoder frame, counted from the stream's start, that audio reaches.
        whole: Whether the chunk is complete; otherwise the row is a flush.
        marks: The flush that the row answers, or `engine.types.NO_MARK`.
        ended: Whether that flush is the stream's last.
        prompt: Index of the language prompt.
        terms: As in `Batch`.
        chunks: Chunks of each row; more than one only in rows of streams with background priority.
    """

    frames: int
    slots: Int64s
    position: Int64s
    origin: Int64s
    samples: Int64s
    end: Int64s
    last: Int64s
    last_audio_frame: Int64s
    whole: Bools
    marks: Int64s
    ended: Bools
    prompt: Int64s
    terms: Int64s
    chunks: int = 1

    def __len__(self) -> int:
        return len(self.slots)
