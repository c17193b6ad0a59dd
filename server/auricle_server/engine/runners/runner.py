"""How the engine has a batch computed: it fills arrays, launches the batch, and collects its outputs.

Two runners do this. `EagerRunner` computes at once, in shapes that fit the batch: for the CPU. `StaticRunner`, for
CUDA, keeps a program for each shape and does not wait for the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from auricle_server.engine.frames import UNBOUNDED, FrameGeometry
from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import TableSpan
from auricle_server.engine.scheduling.batch_rows import BatchRows
from auricle_server.engine.types import Pcm


@dataclass(frozen=True, slots=True)
class StepInputs:
    """A batch's input in host memory, for the engine to fill.

    Attributes:
        pcm: New audio, [B, 1280 c].
        columns: The other fields of `Batch`, in their order, [9, B]; `terms` is the last.
    """

    pcm: Pcm
    columns: npt.NDArray[np.int64]

    def fill(self, rows: BatchRows, geometry: FrameGeometry) -> None:
        """Writes the columns of a batch, one for each field of `Batch` from `slots` on, on the model's clock."""
        whole, position = rows.whole, rows.position - rows.origin
        end = rows.end - rows.origin * geometry.frame_samples
        self.columns[:] = (
            rows.slots,
            # A flush writes to the trash slot: the stream goes on from the state before it.
            np.where(whole, rows.slots, 0),
            position,
            geometry.input_start(position),
            # Only a flush has an end, past which features and frames are zero as in an offline pass.
            np.where(whole, UNBOUNDED, end),
            np.where(whole, UNBOUNDED, geometry.mel_frames(end)),
            rows.last,
            rows.prompt,
            rows.terms,
        )

    @property
    def has_terms(self) -> bool:
        """Whether any row has key terms."""
        return bool(self.columns[-1].any())


@dataclass(frozen=True, slots=True)
class StepOutputs:
    """Tokens of a batch, row after row.

    Attributes:
        counts: Tokens of each row, [B].
        tokens: Token ids, [sum(counts)].
        frames: Encoder frame within the chunk, [sum(counts)].
        probabilities: Softmax probability, [sum(counts)].
        confidences: Confidence by entropy, 0 to 1, [sum(counts)].
        seconds: From the launch of the batch to its results, on the device where it has a clock.
        waited: Seconds that the host only waited for the device.
    """

    counts: npt.NDArray[np.int32]
    tokens: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int32]
    probabilities: npt.NDArray[np.float32]
    confidences: npt.NDArray[np.float32]
    seconds: float
    waited: float = 0.0


class PendingBatch(Protocol):
    """A batch that was launched."""

    def collect(self) -> StepOutputs:
        """Waits for the batch."""
        ...


class Runner(Protocol):
    """Computes batches in the order in which they are launched.

    Attributes:
        depth: Batches that the device may work on while the host does something else.
    """

    depth: int

    def inputs(self, frames: int, rows: int) -> StepInputs:
        """Arrays for a batch of `rows` chunks of `frames` encoder frames; valid until it is launched."""
        ...

    def launch(self, inputs: StepInputs) -> PendingBatch:
        """Computes the batch whose arrays `inputs` returned last."""
        ...

    def reset(self, slots: list[int]) -> None:
        """Prepares slots for new streams, after all that was launched."""
        ...

    def start_from(self, slot: int) -> None:
        """Makes the encoder state of a slot the one with which streams start, after all that was launched."""
        ...

    def load_terms(self, span: TableSpan, automaton: Automaton) -> None:
        """Writes an automaton of key terms into the tables, after all that was launched."""
        ...

    def warm_up(self, seconds: float) -> bool:
        """Compiles, captures and allocates what streams would otherwise wait for, in the order of need.

        While something is left, batches are computed to the same results, but take longer.

        Args:
            seconds: After which it stops, once there is what no stream can do without.

        Returns:
            Whether nothing is left, for a further call.
        """
        ...
