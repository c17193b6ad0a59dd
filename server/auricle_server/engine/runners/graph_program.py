"""A step of one shape, every tensor of which keeps its address, so that a CUDA graph can hold it.

The greedy search is label looping in rounds: in each, every row that is not at its end looks for its next label, and
the prediction network advances the rows that found one. How many rounds a batch needs is known only afterwards: the
first program runs a few, and the host repeats another one until no row is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from auricle_server.engine.decoding.confidence import entropy_confidences
from auricle_server.engine.model.forward import COLUMNS, Batch, Model
from auricle_server.engine.ops import JointInputs, KeyTermRows, SearchState
from auricle_server.engine.runners.pinned_buffers import PinnedBuffers
from auricle_server.engine.runners.runner import StepInputs, StepOutputs


@dataclass(frozen=True, slots=True)
class ProgramSteps:
    """What the device runs for a batch.

    Attributes:
        begin: Encodes, and searches as far as most batches need.
        resume: Continues the search by one round; repeated while rows are not at their end.
    """

    begin: Callable[[], None]
    resume: Callable[[], None]


Capture = Callable[[Callable[[], None]], Callable[[], None]]
"""Turns operations on fixed tensors into something that repeats them."""

FIRST_ROUNDS = 2
"""A row that finds a label needs a second round to find out that there is no other one."""


class StaticProgram:
    """Computes batches of up to `rows` chunks of `frames` encoder frames.

    Args:
        model: What to compute.
        frames: Encoder frames of a chunk.
        rows: Rows of the shape; a smaller batch is padded with rows of the trash slot.
    """

    def __init__(self, model: Model, frames: int, rows: int) -> None:
        self._model, self._window = model, frames
        self._blank, self._max_symbols = model.config.decoder.vocabulary, model.config.decoder.max_symbols
        self._inputs = _inputs(model, frames, rows)
        self._outputs = _outputs(model, frames, rows)
        columns = self._inputs.on_device("columns").unbind(0)
        self._batch = Batch(self._inputs.on_device("pcm"), *columns)
        self._search = _search(self._outputs, rows, model.device)
        self._prediction = model.network.start().repeat(rows)
        self._encoded = torch.zeros(rows, frames, model.config.decoder.joint, device=model.device)
        self._terms = KeyTermRows(model.key_terms.tables, torch.zeros(rows, dtype=torch.int32, device=model.device))
        joint = model.joint
        self._joint = JointInputs(
            self._encoded, self._search.time, self._prediction.projected, joint.weight, joint.bias
        )
        self._operations = {
            False: ProgramSteps(self._begin, self._resume),
            True: ProgramSteps(self._begin_with_terms, self._resume_with_terms),
        }
        self._captured: dict[bool, ProgramSteps] = {}

    # --- on the host -------------------------------------------------------------------------------------------------

    def inputs(self, rows: int) -> StepInputs:
        """Arrays for a batch of that many rows."""
        pcm, columns = self._inputs.on_host("pcm"), self._inputs.on_host("columns")
        # Rows of padding: they read and write the trash slot, and have no frame to decode.
        columns[:, rows:] = 0
        return StepInputs(pcm[:rows], columns[:, :rows])  # type: ignore[arg-type]

    @property
    def unfinished(self) -> bool:
        """Whether rows of the batch have frames left to decode."""
        return bool(self._outputs.on_host("pending")[0])

    def outputs(self, rows: int, seconds: float) -> StepOutputs:
        """The outputs of a batch of that many rows, which took `seconds`."""
        # Everything leaves as a copy: the shape's next batch overwrites the pinned arrays.
        counts = self._outputs.on_host("count")[:rows].astype(np.int32)
        most = int(counts.max(initial=0))
        emitted = np.arange(most) < counts[:, None]
        tokens, frames, log_probabilities, powers = (
            self._outputs.on_host(name)[:most, :rows].T[emitted]
            for name in ("tokens", "frames", "log_probabilities", "powers")
        )
        probabilities = np.exp(log_probabilities.astype(np.float32))
        confidences = entropy_confidences(powers.astype(np.float32), self._blank + 1)
        return StepOutputs(
            counts, tokens.astype(np.int32), frames.astype(np.int32), probabilities, confidences, seconds
        )

    @property
    def is_captured(self) -> bool:
        """Whether the steps without key terms, which nearly all batches take, were captured."""
        return False in self._captured

    def steps(self, terms: bool) -> ProgramSteps:
        """The steps with or without key terms: as they were captured, else operation by operation."""
        return self._captured.get(terms, self._operations[terms])

    def capture(self, terms: bool, capture: Capture) -> None:
        """Captures the steps with or without key terms; no batch of this shape is in flight."""
        self._inputs.on_device("columns").zero_()  # capturing computes, and must not touch the slots of the last batch
        operations = self._operations[terms]
        self._captured[terms] = ProgramSteps(capture(operations.begin), capture(operations.resume))

    # --- on the device -----------------------------------------------------------------------------------------------

    def send(self) -> None:
        """Copies the batch's input to the device."""
        self._inputs.send()

    def _begin(self) -> None:
        self._prepare()
        for _ in range(FIRST_ROUNDS):
            self._round()
        self._report()

    def _begin_with_terms(self) -> None:
        self._prepare()
        self._terms.state.copy_(self._model.state.key_term_state(self._batch.slots, self._batch.terms))
        for _ in range(FIRST_ROUNDS):
            self._round_with_terms()
        self._report_terms()

    def _resume_with_terms(self) -> None:
        self._round_with_terms()
        self._report_terms()

    def _prepare(self) -> None:
        model, batch, search = self._model, self._batch, self._search
        encoded = model.encode(model.features(batch), batch)
        # Into tensors that live outside of this graph's memory: the rounds of `resume` read them from another graph.
        self._encoded.copy_(model.project(encoded, batch))
        state = model.state.prediction(batch.slots)
        self._prediction.hidden.copy_(state.hidden)
        self._prediction.cell.copy_(state.cell)
        self._prediction.projected.copy_(state.projected)
        # A row without a frame to decode, and one that pads the batch, starts after the chunk: it is not decoded.
        search.time.copy_(torch.where(batch.last > 0, 0, self._window))
        search.repeats.zero_()
        search.count.zero_()

    def _resume(self) -> None:
        self._round()
        self._report()

    def _round(self) -> None:
        model, search = self._model, self._search
        scores = model.ops.joint_scores(self._joint, self._window)
        model.ops.take_labels(scores, self._batch.last, self._blank, self._max_symbols, search)
        model.network.advance(search.label, self._prediction, search.active, model.ops)

    def _round_with_terms(self) -> None:
        model, search = self._model, self._search
        scores = model.ops.joint_scores(self._joint, self._window)
        model.ops.favour(self._joint, scores, search.repeats, self._terms)
        model.ops.take_labels(scores, self._batch.last, self._blank, self._max_symbols, search)
        model.ops.follow(search.label, search.active, self._terms)
        model.network.advance(search.label, self._prediction, search.active, model.ops)

    def _report_terms(self) -> None:
        self._model.state.keep_key_term_state(self._batch.write_slots, self._terms.state)
        self._report()

    def _report(self) -> None:
        """Keeps the prediction network's state where the encoder's is kept, and copies the results to the host."""
        self._model.state.keep_prediction(self._batch.write_slots, self._prediction)
        self._outputs.fetch()


def _inputs(model: Model, frames: int, rows: int) -> PinnedBuffers:
    samples = frames * model.geometry.frame_samples
    return PinnedBuffers(
        model.device, {"pcm": ((rows, samples), torch.int16), "columns": ((COLUMNS, rows), torch.int64)}
    )


def _outputs(model: Model, frames: int, rows: int) -> PinnedBuffers:
    each = frames * model.config.decoder.max_symbols, rows
    return PinnedBuffers(
        model.device,
        {
            "tokens": (each, torch.int32),
            "frames": (each, torch.int32),
            "log_probabilities": (each, torch.float32),
            "powers": (each, torch.float32),
            "count": ((rows,), torch.int32),
            "pending": ((1,), torch.int32),
        },
    )


def _search(outputs: PinnedBuffers, rows: int, device: torch.device) -> SearchState:
    return SearchState(
        time=torch.zeros(rows, dtype=torch.int64, device=device),
        repeats=torch.zeros(rows, dtype=torch.int32, device=device),
        count=outputs.on_device("count"),
        label=torch.zeros(rows, dtype=torch.int64, device=device),
        active=torch.zeros(rows, dtype=torch.bool, device=device),
        pending=outputs.on_device("pending"),
        tokens=outputs.on_device("tokens"),
        frames=outputs.on_device("frames"),
        log_probabilities=outputs.on_device("log_probabilities"),
        powers=outputs.on_device("powers"),
    )
