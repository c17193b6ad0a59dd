"""Audio of many streams in columns, as it travels from the ipc reader through the worker to the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class AudioBatch:
    """New audio of n streams.

    Columns rather than objects, because a worker takes audio of thousands of streams in every tick and must not run
    Python code for each of them.

    Attributes:
        slots: Slot of each stream, [n]; a stream may come several times, in order.
        leases: Lease of each, [n]; the audio of a lease that has ended is skipped.
        lengths: Samples of each, [n].
        pcm: 16 kHz mono, one stream after the other, [sum(lengths)].
    """

    slots: npt.NDArray[np.int32]
    leases: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int32]
    pcm: npt.NDArray[np.int16]

    def where(self, kept: npt.NDArray[np.bool_]) -> AudioBatch:
        """The audio of the streams for which `kept` [n] is true."""
        pcm = self.pcm[np.repeat(kept, self.lengths)]
        return AudioBatch(self.slots[kept], self.leases[kept], self.lengths[kept], pcm)
