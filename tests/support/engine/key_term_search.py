"""Greedy search with key terms, one stream, one frame and one symbol at a time: what every faster search must find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auricle_server.engine.key_terms.automaton import Automaton

Scores = npt.NDArray[np.float32]
Joint = Callable[[int, list[int]], Scores]
"""Logits of a frame behind these tokens, [V + 1], blank last."""


@dataclass(frozen=True, slots=True)
class Emission:
    """A token, its frame within the search, and its log probability as the model alone sees it."""

    token: int
    frame: int
    log_probability: float


class Follower:
    """The automaton of one stream.

    Args:
        automaton: Of its phrases.
        blank: The blank token.
    """

    def __init__(self, automaton: Automaton, blank: int) -> None:
        self.state = 0
        self._automaton = automaton
        self._blank = blank

    def choose(self, logits: Scores, spoken: bool = False) -> int:
        """The token of a frame, which may have spoken already; of arcs, those of the state go before the root's."""
        best = int(logits.argmax())
        arcs = [(token, bonus) for token, (bonus, _) in self._automaton.arcs(self.state).items()]
        if best != self._blank:
            arcs += [(token, bonus) for token, (bonus, _) in self._automaton.arcs(0).items()]
        elif spoken or not self.state:
            arcs = []
        score = logits[best]
        for token, bonus in arcs:
            if logits[token] + np.float32(bonus) > score:
                best, score = token, logits[token] + np.float32(bonus)
        return best

    def follow(self, token: int) -> None:
        """The stream has said this."""
        for state in (self.state, 0):
            if token in (arcs := self._automaton.arcs(state)):
                self.state = arcs[token][1]
                return
        self.state = 0


def search(joint: Joint, frames: int, automaton: Automaton, blank: int, max_symbols: int) -> list[Emission]:
    """What a stream says."""
    follower, found = Follower(automaton, blank), list[Emission]()
    for frame in range(frames):
        for nth in range(max_symbols):
            logits = joint(frame, [emission.token for emission in found])
            token = follower.choose(logits, spoken=nth > 0)
            if token == blank:
                break
            total = np.logaddexp.reduce(logits.astype(np.float64))
            found.append(Emission(token, frame, float(logits[token] - total)))
            follower.follow(token)
    return found
