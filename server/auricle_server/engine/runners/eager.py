"""Computes batches at once, in shapes that fit them: for the CPU, where PyTorch's operators return finished results."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from auricle_server.engine.decoding.confidence import entropy_confidences
from auricle_server.engine.decoding.emissions import Emissions
from auricle_server.engine.decoding.greedy import GreedyDecoder
from auricle_server.engine.key_terms.automaton import Automaton
from auricle_server.engine.key_terms.automaton_cache import TableSpan
from auricle_server.engine.model.forward import COLUMNS, Batch, Model
from auricle_server.engine.ops import KeyTermRows
from auricle_server.engine.ops.key_terms import KeyTermSearch
from auricle_server.engine.runners.runner import StepInputs, StepOutputs


class EagerRunner:
    """See `Runner`.

    Args:
        model: What to compute.
    """

    depth = 0

    def __init__(self, model: Model) -> None:
        self._warm = False
        self._model = model
        self._decoder = GreedyDecoder(model.config.decoder, model.network, model.joint)

    def inputs(self, frames: int, rows: int) -> StepInputs:
        """See `Runner`."""
        samples = frames * self._model.geometry.frame_samples
        return StepInputs(np.empty((rows, samples), np.int16), np.empty((COLUMNS, rows), np.int64))

    def launch(self, inputs: StepInputs) -> EagerBatch:
        """See `Runner`."""
        began, device = time.perf_counter(), self._model.device
        columns = torch.from_numpy(inputs.columns).to(device).unbind(0)
        batch = Batch(torch.from_numpy(inputs.pcm).to(device), *columns)
        encoded = self._model.encode(self._model.features(batch), batch)
        return EagerBatch(
            self._decode(encoded, batch, inputs.has_terms), self._model.config.decoder.vocabulary + 1, began
        )

    def _decode(self, encoded: torch.Tensor, batch: Batch, has_terms: bool) -> Emissions:
        """Tokens of the batch; like the encoder's, the prediction network's state is not kept after a flush."""
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

    def start_from(self, slot: int) -> None:
        """See `Runner`."""
        self._model.state.start_from(slot)

    def load_terms(self, span: TableSpan, automaton: Automaton) -> None:
        """See `Runner`."""
        self._model.key_terms.load(span, automaton)

    def warm_up(self, seconds: float) -> bool:  # noqa: ARG002 - a chunk of each size takes less
        """See `Runner`. Computes a chunk of every size in the trash slot."""
        for frames in () if self._warm else self._model.reach:
            inputs = self.inputs(frames, 1)
            inputs.pcm.fill(0)
            inputs.columns.fill(0)
            self.launch(inputs).collect()
        self._warm = True
        return True


@dataclass(frozen=True, slots=True)
class EagerBatch:
    """See `PendingBatch`."""

    emissions: Emissions
    vocabulary_size: int
    began: float

    def collect(self) -> StepOutputs:
        """See `PendingBatch`."""
        emissions = self.emissions
        counts = emissions.count.numpy(force=True)
        tokens, frames = emissions.tokens.numpy(force=True), emissions.frames.numpy(force=True)
        # Rows have different numbers of tokens; the mask drops the padding behind each, row after row.
        emitted = np.arange(tokens.shape[1]) < counts[:, None]
        return StepOutputs(
            counts.astype(np.int32),
            tokens[emitted].astype(np.int32),
            frames[emitted].astype(np.int32),
            emissions.probabilities.numpy(force=True)[emitted],
            entropy_confidences(emissions.powers.numpy(force=True)[emitted], self.vocabulary_size),
            time.perf_counter() - self.began,
        )
