"""Whether a turn ended as it was guessed to."""

from __future__ import annotations

from pipecat.turns.user_stop import NormalizedMatch


class SameWords(NormalizedMatch):
    """Keeps the answer to a guess that differs from what was said in case, punctuation or spaces only.

    Pipecat's turn strategy compares with the finals of the turn joined without a space between them, and lets the model
    answer the guess as it stands. So a guess has the spaces, for the model, and this comparison must not see them.
    """

    def matches(self, eager: str, final: str) -> bool:
        """Compares the guess with what was said."""
        return super().matches("".join(eager.split()), "".join(final.split()))
