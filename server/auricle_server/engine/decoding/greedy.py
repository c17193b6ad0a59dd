"""RNNT joint and batched greedy search by label looping: the work grows with the labels, not with the frames.

Label looping (Bataev et al., "Label-Looping: Highly Efficient Decoding for Transducers", 2024; NeMo's
`GreedyBatchedRNNTLabelLoopingComputer`): the prediction network runs only for rows that found a label. Rows look for
their next label over several encoder frames at once, because the prediction network's state does not change while they
emit blank.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from auricle_server.checkpoints.config import DecoderConfig
from auricle_server.engine.model.joint import Joint
from auricle_server.engine.model.prediction_network import PredictionNetwork, PredictionState
from auricle_server.engine.ops.inputs import ALPHA
from auricle_server.engine.ops.key_terms import KeyTermSearch

LOOKAHEAD_FRAMES = 14
"""Most encoder frames that a row looks ahead: with a word every few frames, more would be computed in vain."""
LOOKAHEAD_LOGITS = 1 << 21
"""Most logits of one look ahead, which bounds its memory: 8 MB in fp32."""


@dataclass(frozen=True, slots=True)
class Emissions:
    """Tokens of a batch, in the order of emission within each row; row b has `count[b]` of them.

    Attributes:
        tokens: [B, n].
        frames: Encoder frame within the chunk, [B, n].
        probabilities: Softmax probability, [B, n].
        powers: Sum of all tokens' probabilities to the power of `ALPHA`, [B, n].
        count: [B].
    """

    tokens: Tensor
    frames: Tensor
    probabilities: Tensor
    powers: Tensor
    count: Tensor


class GreedyDecoder:
    """Greedy search over a batch of chunks, in shapes that depend on data: for the CPU."""

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
            state: Of the prediction network.
            terms: Key terms of the rows; None where no row has any.
        """
        found = _EmissionRounds(encoded.shape[0], encoded.device)
        time, repeats = torch.zeros_like(last), torch.zeros_like(last)
        rows = (time < last).nonzero().squeeze(1)
        # Every turn reads sizes on the host, which on a GPU would wait for the device each time: see `graph_program`.
        while len(rows):
            label, frame, scores = self._next_label(encoded, time, last, state, rows, repeats, terms)
            emitting = frame < last[rows]
            repeats[rows] = torch.where(frame == time[rows], repeats[rows], 0) + 1
            time[rows] = frame
            rows, label, frame = rows[emitting], label[emitting], frame[emitting]
            if len(rows) == 0:
                break
            found.add(rows, label, frame, scores[emitting])
            state.put(rows, self._network(label, state.take(rows)))
            if terms is not None:
                terms.follow(rows, label)
            # NeMo's ``max_symbols``, 10 in the published models; without it a search may never leave a frame.
            exhausted = rows[repeats[rows] >= self._max_symbols]
            time[exhausted] += 1
            repeats[exhausted] = 0
            rows = rows[time[rows] < last[rows]]
        return found.emissions(), state

    def _next_label(
        self,
        encoded: Tensor,
        time: Tensor,
        last: Tensor,
        state: PredictionState,
        rows: Tensor,
        repeats: Tensor,
        terms: KeyTermSearch | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The next label of each row, its frame (`last` when only blanks are left), and its scores [n, 2]."""
        window = max(1, min(encoded.shape[1], LOOKAHEAD_FRAMES, LOOKAHEAD_LOGITS // (len(rows) * (self._blank + 1))))
        label = torch.full_like(rows, self._blank)
        frame, scores = last[rows].clone(), encoded.new_zeros(len(rows), 2)
        searching = torch.arange(len(rows), device=rows.device)
        at = time[rows]
        while len(searching):
            emitted = (at == time[rows[searching]]) & (repeats[rows[searching]] > 0)
            looked_at = rows[searching]
            hit, token, value = self._look_ahead(encoded, at, last, state, looked_at, window, terms, emitted)
            inside = hit < last[rows[searching]]
            done = searching[inside]
            label[done], frame[done], scores[done] = token[inside], hit[inside], value[inside]
            # Only blanks: the prediction network's state holds, so the search goes on behind the window.
            at = at + window
            going = ~inside & (at < last[rows[searching]])
            searching, at = searching[going], at[going]
        return label, frame, scores

    def _look_ahead(
        self,
        encoded: Tensor,
        at: Tensor,
        last: Tensor,
        state: PredictionState,
        rows: Tensor,
        window: int,
        terms: KeyTermSearch | None,
        emitted: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """First label within `window` frames from `at` on: frame (`last` without a label), token, scores [n, 2]."""
        frames = at[:, None] + torch.arange(window, device=at.device)
        inside = frames < last[rows][:, None]
        gathered = encoded[rows[:, None], frames.clamp(max=encoded.shape[1] - 1)]
        joint = F.relu(gathered + state.projected[rows][:, None])
        logits = self._joint.logits(joint)
        best, token = logits.max(-1)
        if terms is not None:
            first = F.pad(emitted[:, None], (0, window - 1))  # only the first frame can have brought a label
            token, best = terms.favour(rows, logits, token, best, first)
        label = inside & (token != self._blank)
        offset = label.int().argmax(1)
        pick = torch.arange(len(rows), device=rows.device), offset
        chosen = logits[pick]
        total = chosen.logsumexp(-1)
        power = (ALPHA * chosen).logsumexp(-1) - ALPHA * total
        hit = torch.where(label.any(1), frames[pick], last[rows])
        return hit, token[pick], torch.stack((best[pick] - total, power), 1).exp()


class _EmissionRounds:
    """Collects emissions, one label per row and round."""

    def __init__(self, batch: int, device: torch.device) -> None:
        self._shape, self._device = batch, device
        self._rounds: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def add(self, rows: Tensor, label: Tensor, frame: Tensor, scores: Tensor) -> None:
        self._rounds.append((rows, label, frame, scores))

    def emissions(self) -> Emissions:
        rounds = len(self._rounds)
        tokens = torch.zeros(self._shape, rounds, dtype=torch.long, device=self._device)
        frames = torch.zeros_like(tokens)
        all_scores = torch.zeros(self._shape, rounds, 2, device=self._device)
        count = torch.zeros(self._shape, dtype=torch.long, device=self._device)
        for rows, label, frame, scores in self._rounds:
            place = rows, count[rows]
            tokens[place], frames[place], all_scores[place] = label, frame, scores
            count[rows] += 1
        return Emissions(tokens, frames, all_scores[..., 0], all_scores[..., 1], count)
