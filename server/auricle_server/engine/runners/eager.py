"""How the engine has a batch computed: it fills arrays, launches, and collects what was found.

Two runners do this. `EagerRunner` computes at once, in shapes that fit the batch: for the CPU. `StaticRunner`, for
CUDA, keeps a program for each shape and does not wait for the device.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from auricle_server.engine.decoding.confidence import entropy_confidences
from auricle_server.engine.decoding.greedy import Emissions, GreedyDecoder
from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import TableSpan
from auricle_server.engine.model.forward import NUMBERS, Batch, Model
from auricle_server.engine.ops import KeyTermRows
from auricle_server.engine.ops.key_terms import KeyTermSearch
from auricle_server.engine.types import Pcm


@dataclass(frozen=True, slots=True)
class Inputs:
    """A batch's input in host memory, for the engine to fill.

    Attributes:
        pcm: New audio, [B, 1280 c].
        numbers: The other fields of `Batch`, in their order, [9, B]; `terms` is the last.
    """

    pcm: Pcm
    numbers: npt.NDArray[np.int64]

    @property
    def has_terms(self) -> bool:
        """Whether any row has key terms."""
        return bool(self.numbers[-1].any())


@dataclass(frozen=True, slots=True)
class StepOutputs:
    """Tokens of a batch, row after row.

    Attributes:
        counts: Tokens of each row, [B].
        tokens: [sum(counts)].
        frames: Encoder frame within the chunk, likewise.
        probabilities: Softmax probability, likewise.
        confidences: Confidence by entropy, 0 to 1, likewise.
        seconds: From the launch of the batch to its results, on the device where it has a clock.
    """

    counts: npt.NDArray[np.int32]
    tokens: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int32]
    probabilities: npt.NDArray[np.float32]
    confidences: npt.NDArray[np.float32]
    seconds: float


class Ticket(Protocol):
    """A batch on its way through the device."""

    def collect(self) -> StepOutputs:
        """Waits for the batch."""
        ...


class Runner(Protocol):
    """Computes batches in the order in which they are launched.

    Attributes:
        depth: Batches that may be on their way while the host does something else.
    """

    depth: int

    def inputs(self, frames: int, rows: int) -> Inputs:
        """Arrays for a batch of `rows` chunks of `frames` encoder frames; valid until it is launched."""
        ...

    def launch(self, inputs: Inputs) -> Ticket:
        """Computes the batch for which `inputs` was handed out last."""
        ...

    def reset(self, slots: list[int]) -> None:
        """Prepares slots for new streams, behind all that was launched."""
        ...

    def load_terms(self, room: TableSpan, automaton: Automaton) -> None:
        """Writes an automaton of key terms into the tables, behind all that was launched."""
        ...

    def warm_up(self) -> None:
        """Makes everything that the first stream would otherwise wait for."""
        ...


class EagerRunner:
    """Computes at once. See `Runner`.

    Args:
        model: What to compute.
    """

    depth = 0

    def __init__(self, model: Model) -> None:
        self._model = model
        self._decoder = GreedyDecoder(model.config.decoder, model.network, model.joint)

    def inputs(self, frames: int, rows: int) -> Inputs:
        """See `Runner`."""
        samples = frames * self._model.geometry.frame_samples
        return Inputs(np.empty((rows, samples), np.int16), np.empty((NUMBERS, rows), np.int64))

    def launch(self, inputs: Inputs) -> EagerTicket:
        """See `Runner`."""
        began, device = time.perf_counter(), self._model.device
        columns = torch.from_numpy(inputs.numbers).to(device).unbind(0)
        batch = Batch(torch.from_numpy(inputs.pcm).to(device), *columns)
        encoded = self._model.encode(self._model.features(batch), batch)
        return EagerTicket(
            self._decode(encoded, batch, inputs.has_terms), self._model.config.decoder.vocabulary + 1, began
        )

    def _decode(self, encoded: torch.Tensor, batch: Batch, has_terms: bool) -> Emissions:
        """Tokens of the batch; like the encoder's, the prediction network's state is not kept behind a flush."""
        model, pool = self._model, self._model.state
        terms = search = None
        if has_terms:
            terms = KeyTermRows(model.key_terms.tables, pool.key_term_state(batch.slots, batch.terms))
            search = KeyTermSearch(terms, model.config.decoder.vocabulary)
        projected = model.project(encoded, batch)
        emissions, state = self._decoder(projected, batch.last, pool.prediction(batch.slots), search)
        pool.keep_prediction(batch.write_slots, state)
        if terms is not None:
            pool.keep_key_term_state(batch.write_slots, terms.state)
        return emissions

    def reset(self, slots: list[int]) -> None:
        """See `Runner`."""
        self._model.state.reset(slots)

    def load_terms(self, room: TableSpan, automaton: Automaton) -> None:
        """See `Runner`."""
        self._model.key_terms.load(room, automaton)

    def warm_up(self) -> None:
        """Computes a chunk of every size in the trash slot."""
        for frames in self._model.reach:
            inputs = self.inputs(frames, 1)
            inputs.pcm.fill(0)
            inputs.numbers.fill(0)
            self.launch(inputs).collect()


@dataclass(frozen=True, slots=True)
class EagerTicket:
    """See `Ticket`."""

    emissions: Emissions
    tokens: int
    began: float

    def collect(self) -> StepOutputs:
        """See `Ticket`."""
        emissions = self.emissions
        counts = emissions.count.numpy(force=True)
        tokens, frames = emissions.tokens.numpy(force=True), emissions.frames.numpy(force=True)
        there = np.arange(tokens.shape[1]) < counts[:, None]
        return StepOutputs(
            counts.astype(np.int32),
            tokens[there].astype(np.int32),
            frames[there].astype(np.int32),
            emissions.probabilities.numpy(force=True)[there],
            entropy_confidences(emissions.powers.numpy(force=True)[there], self.tokens),
            time.perf_counter() - self.began,
        )
