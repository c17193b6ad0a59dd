"""Automata of key terms on a device, and what one step of a greedy search does with them, in plain PyTorch.

How a bonus counts was chosen by measurement (see `tests.bench.keyterms`): where the joint's best token is a label, all
arcs compete with it; where it is blank, only those that go on with a begun phrase do, so that no phrase begins in
silence, but one that has begun is not cut short either; and of those one a frame, so that it is not said before it is
heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class TermTables:
    """Automata of all streams: S states and A arcs; state 0 belongs to streams without key terms and has no arcs.

    Attributes:
        first: Each state's first arc, [S], int32.
        count: Each state's arcs, [S], int32.
        root: The root of each state's automaton, [S], int32. A state that is not the root has the root's arcs as well,
            for tokens that are not among its own.
        tokens: Of each arc, [A], int32.
        bonuses: Of each arc, [A], fp32, more than 0.
        targets: State behind each arc, [A], int32.
        widest: Bound of `count`.
    """

    first: Tensor
    count: Tensor
    root: Tensor
    tokens: Tensor
    bonuses: Tensor
    targets: Tensor
    widest: int


@dataclass(frozen=True, slots=True)
class Arcs:
    """The arcs that B rows may take, their states' own before those of the roots.

    Attributes:
        tokens: [B, 2 K], -1 where there is none.
        bonuses: [B, 2 K], fp32, minus infinity where there is none.
        targets: [B, 2 K].
        root: Of each row's automaton, [B].
        begun: Whether the arc goes on with a begun phrase, [B, 2 K].
    """

    tokens: Tensor
    bonuses: Tensor
    targets: Tensor
    root: Tensor
    begun: Tensor


def arcs_of(terms: TermTables, state: Tensor, widest: int) -> Arcs:
    """The arcs out of each row's state, [B]; no state has more than `widest` of its own."""
    root = terms.root[state]
    begun = state != root
    both = torch.stack((state, torch.where(begun, root, 0)), 1)
    nth = torch.arange(widest, device=state.device)
    there = (nth < terms.count[both][:, :, None]).flatten(1)
    at = torch.where(there, (terms.first[both][:, :, None] + nth).flatten(1), 0)
    own = torch.zeros_like(there)
    own[:, :widest] = begun[:, None]
    return Arcs(
        torch.where(there, terms.tokens[at], -1),
        torch.where(there, terms.bonuses[at], -torch.inf),
        terms.targets[at],
        root,
        own & there,
    )


def favoured(
    arcs: Arcs, logits: Tensor, token: Tensor, best: Tensor, spoken: Tensor, blank: int
) -> tuple[Tensor, Tensor]:
    """What the rows choose instead of the joint's best token, and its logit without the bonus.

    Args:
        arcs: Of B rows.
        logits: Of the arcs' tokens, [B, W, 2 K].
        token: The joint's best, [B, W].
        best: Its logit, [B, W].
        spoken: Whether the frame has brought a label already, [B, W].
        blank: The blank token.
    """
    allowed = (token != blank)[:, :, None] | (~spoken[:, :, None] & arcs.begun[:, None])
    score, arc = torch.where(allowed, logits + arcs.bonuses[:, None], -torch.inf).max(2)
    better = score > best
    chosen = arcs.tokens.gather(1, arc).to(token.dtype)
    logit = logits.gather(2, arc[:, :, None])[:, :, 0]
    return torch.where(better, chosen, token), torch.where(better, logit, best)


def followed(arcs: Arcs, label: Tensor) -> Tensor:
    """Each row's state behind a label, [B]: that of its own arc, else of the root's, else the root."""
    match = arcs.tokens == label[:, None]
    arc = match.int().argmax(1, keepdim=True)
    return torch.where(match.any(1), arcs.targets.gather(1, arc)[:, 0], arcs.root)


class KeyTermSearch:
    """The key terms of one batch in a search whose shapes depend on data.

    Args:
        terms: All automata.
        state: Each row's state, [B]; updated in place.
        blank: The blank token.
    """

    def __init__(self, terms: TermTables, state: Tensor, blank: int) -> None:
        self.state = state
        self._terms = terms
        self._blank = blank

    def favour(
        self, rows: Tensor, logits: Tensor, token: Tensor, best: Tensor, spoken: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `favoured`; `logits` are those of the whole vocabulary, [n, W, V + 1]."""
        among = (self.state[rows] > 0).nonzero().squeeze(1)
        if not len(among):
            return token, best
        arcs = self._arcs(rows[among])
        index = arcs.tokens.clamp(min=0).long()[:, None].expand(-1, logits.shape[1], -1)
        found = favoured(arcs, logits[among].gather(2, index), token[among], best[among], spoken[among], self._blank)
        return token.index_copy(0, among, found[0]), best.index_copy(0, among, found[1])

    def follow(self, rows: Tensor, label: Tensor) -> None:
        """The rows have found these labels."""
        self.state[rows] = followed(self._arcs(rows), label).to(self.state.dtype)

    def _arcs(self, rows: Tensor) -> Arcs:
        state = self.state[rows]
        both = torch.stack((state, self._terms.root[state]))
        return arcs_of(self._terms, state, max(1, int(self._terms.count[both].max())))
