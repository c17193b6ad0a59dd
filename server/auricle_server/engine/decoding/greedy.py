"""Batched greedy RNNT search by label looping: the work grows with the labels, not with the frames.

Label looping (Bataev et al., "Label-Looping: Highly Efficient Decoding for Transducers", 2024; NeMo's
`GreedyBatchedRNNTLabelLoopingComputer`): the prediction network runs only for rows that found a label. Rows look for
their next label over several encoder frames at once, because the prediction network's state does not change while they
emit blank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import DecoderConfig
from auricle_server.engine.decoding.emissions import EmissionRounds, Emissions, Integers
from auricle_server.engine.model.joint import Joint
from auricle_server.engine.model.prediction_network import PredictionNetwork, PredictionState
from auricle_server.engine.ops.key_terms import KeyTermSearch

LOOKAHEAD_FRAMES = 14
"""Most encoder frames that a row looks ahead: with a word every few frames, more would be computed in vain."""
LOOKAHEAD_LOGITS = 1 << 21
"""Most logits of one look ahead, which bounds its memory: 8 MB in fp32."""


@dataclass(frozen=True, slots=True)
class _Window:
    """The frames that a look ahead scores: all those of its first row, then those of the next. P in sum.

    Attributes:
        start: First frame of each of its rows, [n].
        counts: Frames of each of its rows, [n].
        row: Row of the batch of each frame, [P].
        frame: The frame within the chunk, [P]; past the end of the chunk where rows are padded to equal counts.
    """

    start: Integers
    counts: Integers
    row: Integers
    frame: Integers

    @classmethod
    def of(cls, rows: Integers, start: Integers, counts: Integers) -> _Window:
        """`counts` frames of each of `rows`, from `start` on; all [n]."""
        ends = np.cumsum(counts)
        frame = np.arange(ends[-1]) + np.repeat(start - ends + counts, counts)
        return cls(start, counts, np.repeat(rows, counts), frame)

    def first_labels(self, is_label: npt.NDArray[np.bool_]) -> Integers:
        """Index of each row's first label, for the rows that have one, in the order of the rows."""
        found = np.flatnonzero(is_label)
        row = self.row[found]
        first = np.ones(len(found), np.bool_)
        np.not_equal(row[1:], row[:-1], out=first[1:])
        return found[first]


class GreedyDecoder:
    """Greedy search over a batch of chunks, in shapes that depend on data: for the CPU.

    The host decides from round to round, in NumPy: with the few entries of these arrays, an operation of PyTorch takes
    several times as long, and its argmax ten times.
    """

    def __init__(self, config: DecoderConfig, network: PredictionNetwork, joint: Joint) -> None:
        self._network = network
        self._joint = joint
        self._blank = config.vocabulary
        self._max_symbols = config.max_symbols

    def __call__(
        self, encoded: Tensor, last: Tensor, state: PredictionState, terms: KeyTermSearch | None = None
    ) -> tuple[Emissions, PredictionState]:
        """Decodes the frames before `last` of each row.

        Args:
            encoded: Encoder output projected for the joint, [B, c, joint].
            last: Frames to decode, [B].
            state: Of the prediction network; advanced in place.
            terms: Key terms of the rows; None where no row has any.
        """
        end: Integers = last.numpy(force=True)
        time, repeats = np.zeros_like(end), np.zeros_like(end)
        found = EmissionRounds(len(end), LOOKAHEAD_LOGITS // (self._blank + 1))
        # Every turn reads labels on the host, which on a GPU would wait for the device each time: see `graph_program`.
        while len(rows := np.flatnonzero(time < end)):
            window = self._window(rows, time, end, padded=terms is not None)
            logits = self._logits(encoded, window, state)
            labels = self._labels(logits, rows, repeats, terms)
            at = window.first_labels((labels != self._blank) & (window.frame < end[window.row]))
            emitting, label, frame = window.row[at], labels[at], window.frame[at]
            # A row stays on the frame of its label until blank wins there, or until the frame has `max_symbols` labels.
            before = np.where(frame == time[emitting], repeats[emitting], 0)
            # Only blanks: the prediction network's state holds, so the search goes on behind the window.
            time[rows] += window.counts
            repeats[rows] = 0
            if not len(at):
                continue
            time[emitting], repeats[emitting] = frame, before + 1
            found.add(emitting, label, frame, logits if len(at) == len(logits) else logits[torch.from_numpy(at)])
            self._advance(emitting, label, state, terms)
            # NeMo's ``max_symbols``, 10 in the published models; without it a search may never leave a frame.
            full = repeats >= self._max_symbols
            time[full] += 1
            repeats[full] = 0
        return found.emissions(encoded.device), state

    def _window(self, rows: Integers, time: Integers, end: Integers, *, padded: bool) -> _Window:
        """The frames that `rows` look at next; the same number for each where they are padded."""
        most = max(1, min(LOOKAHEAD_FRAMES, LOOKAHEAD_LOGITS // (len(rows) * (self._blank + 1))))
        counts = np.minimum(end[rows] - time[rows], most)
        return _Window.of(rows, time[rows], np.full_like(counts, counts.max()) if padded else counts)

    def _logits(self, encoded: Tensor, window: _Window, state: PredictionState) -> Tensor:
        """Logits of all tokens, [P, V + 1]."""
        batch, frames, _ = encoded.shape
        if len(window.counts) == 1:
            row, start = int(window.row[0]), int(window.start[0])
            joint = encoded[row, start : start + len(window.row)] + state.projected[row]
        elif len(window.row) == batch * frames and not window.start.any():
            joint = (encoded + state.projected[:, None]).flatten(0, 1)
        else:
            index = window.row * frames + np.minimum(window.frame, frames - 1)
            rows, at = (torch.from_numpy(each).to(encoded.device) for each in (window.row, index))
            joint = encoded.flatten(0, 1).index_select(0, at).add_(state.projected.index_select(0, rows))
        logits: Tensor = self._joint.logits(F.relu(joint, inplace=True))
        return logits

    def _labels(self, logits: Tensor, rows: Integers, repeats: Integers, terms: KeyTermSearch | None) -> Integers:
        """The token that wins each frame, [P]; blank among them."""
        if terms is None:
            # NumPy's argmax is vectorised; of equals both take the first.
            return logits.numpy().argmax(1) if logits.device.type == "cpu" else logits.argmax(1).numpy(force=True)
        by_row = logits.view(len(rows), -1, logits.shape[1])
        best, token = by_row.max(-1)
        emitted = torch.from_numpy(repeats[rows] > 0).to(logits.device)
        first = F.pad(emitted[:, None], (0, by_row.shape[1] - 1))  # only the first frame can have brought a label
        token, _ = terms.favour(torch.from_numpy(rows).to(logits.device), by_row, token, best, first)
        return token.flatten().numpy(force=True)

    def _advance(self, rows: Integers, label: Integers, state: PredictionState, terms: KeyTermSearch | None) -> None:
        """Feeds the labels that `rows` have found."""
        tokens, which = (torch.from_numpy(each).to(state.projected.device) for each in (label, rows))
        if len(rows) == len(state.projected):
            self._network.feed(tokens, state)
        else:
            part = state.take(which)
            self._network.feed(tokens, part)
            state.put(which, part)
        if terms is not None:
            terms.follow(which, tokens)
