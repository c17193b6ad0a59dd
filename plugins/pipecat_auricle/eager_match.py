"""Whether the final words of a turn are those of its eager end."""

from __future__ import annotations

from pipecat.turns.user_stop import NormalizedMatch


class SameWords(NormalizedMatch):
    """Keeps the answer to an eager end when its words and the final ones are the same.

    Case, punctuation and spaces do not count. Pipecat compares the eager text with the finals of the turn, which it
    joins without a space between them (`pipecat/turns/user_stop`). The eager text has these spaces, because the
    language model reads it; so they must not count here.
    """

    def matches(self, eager: str, final: str) -> bool:
        """Compares the texts of the eager end and of the finals."""
        return super().matches("".join(eager.split()), "".join(final.split()))
