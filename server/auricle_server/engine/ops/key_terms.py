"""One step of a greedy search with the automata of key terms, in plain PyTorch.

How a bonus counts was chosen by measurement (`python -m tests.bench.keyterms`). Where the joint's best token is a
label, all arcs compete with it. Where it is blank, only arcs that continue a begun phrase compete, so that no phrase
begins in silence and a begun phrase is not cut short; and at most one of those per frame, so that the rest of a phrase
is not emitted before it is spoken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from auricle_server.engine.ops.inputs import KeyTermRows, KeyTermTables

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Arcs:
    """The arcs that B rows may take: K arcs of their own states, then K arcs of the roots.

    Attributes:
        tokens: Token of each arc, [B, 2 K], -1 where there is no arc.
        bonuses: [B, 2 K], fp32, minus infinity where there is no arc.
        targets: State to which each arc leads, [B, 2 K].
        root: Root of each row's automaton, [B].
        begun: Whether the arc continues a phrase that has begun, [B, 2 K].
    """

    tokens: Tensor
    bonuses: Tensor
    targets: Tensor
    root: Tensor
    begun: Tensor


def outgoing_arcs(tables: KeyTermTables, state: Tensor, widest: int) -> Arcs:
    """The arcs out of each row's state, [B]; no state has more than `widest` arcs of its own."""
    root = tables.root[state]
    begun = state != root
    # A row at its root gets the empty list of state 0, or every arc of the root would stand there twice.
    both = torch.stack((state, torch.where(begun, root, 0)), 1)
    nth = torch.arange(widest, device=state.device)
    exists = (nth < tables.count[both][:, :, None]).flatten(1)
    # An index past the row's arcs may lie past the end of the table.
    at = torch.where(exists, (tables.first[both][:, :, None] + nth).flatten(1), 0)
    own = torch.zeros_like(exists)
    own[:, :widest] = begun[:, None]
    return Arcs(
        torch.where(exists, tables.tokens[at], -1),
        torch.where(exists, tables.bonuses[at], -torch.inf),
        tables.targets[at],
        root,
        own & exists,
    )


def favoured(
    arcs: Arcs, logits: Tensor, token: Tensor, best: Tensor, emitted: Tensor, blank: int
) -> tuple[Tensor, Tensor]:
    """The token that each row chooses instead of the joint's best one, and its logit without the bonus.

    Args:
        arcs: Of B rows.
        logits: Of the arcs' tokens, [B, W, 2 K].
        token: The joint's best, [B, W].
        best: Its logit, [B, W].
        emitted: Whether the frame has brought a label already, [B, W].
        blank: The blank token.
    """
    allowed = (token != blank)[:, :, None] | (~emitted[:, :, None] & arcs.begun[:, None])
    score, arc = torch.where(allowed, logits + arcs.bonuses[:, None], -torch.inf).max(2)
    # Strictly better: between equals the joint's own choice stands.
    better = score > best
    chosen = arcs.tokens.gather(1, arc).to(token.dtype)
    logit = logits.gather(2, arc[:, :, None])[:, :, 0]
    return torch.where(better, chosen, token), torch.where(better, logit, best)


def followed(arcs: Arcs, label: Tensor) -> Tensor:
    """Each row's state after a label, [B]: where its own arc leads, else the root's arc, else the root."""
    match = arcs.tokens == label[:, None]
    # The first match: a row's own arcs come before the root's.
    arc = match.int().argmax(1, keepdim=True)
    return torch.where(match.any(1), arcs.targets.gather(1, arc)[:, 0], arcs.root)


class KeyTermSearch:
    """The key terms of one batch in a search whose shapes depend on data, which only a CPU runs.

    Args:
        terms: Of the rows; their states are updated in place.
        blank: The blank token.
    """

    def __init__(self, terms: KeyTermRows, blank: int) -> None:
        self._tables, self._state = terms.tables, terms.state
        self._blank = blank

    def favour(
        self, rows: Tensor, logits: Tensor, token: Tensor, best: Tensor, emitted: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `favoured`; `logits` are those of the whole vocabulary, [n, W, V + 1]."""
        among = (self._state[rows] > 0).nonzero().squeeze(1)
        if not len(among):
            return token, best
        arcs = self._arcs(rows[among])
        index = arcs.tokens.clamp(min=0).long()[:, None].expand(-1, logits.shape[1], -1)
        found = favoured(arcs, logits[among].gather(2, index), token[among], best[among], emitted[among], self._blank)
        return token.index_copy(0, among, found[0]), best.index_copy(0, among, found[1])

    def follow(self, rows: Tensor, label: Tensor) -> None:
        """Moves the rows along the arcs of the labels that they have found."""
        self._state[rows] = followed(self._arcs(rows), label).to(self._state.dtype)

    def _arcs(self, rows: Tensor) -> Arcs:
        state = self._state[rows]
        both = torch.stack((state, self._tables.root[state]))
        return outgoing_arcs(self._tables, state, max(1, int(self._tables.count[both].max())))
