"""Key terms from the prompts with which clients of Whisper and its successors name what will be said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from auricle.context_keyterms import context_keyterms, with_context
from auricle.protocol.server_messages import Limits

_SEPARATORS = re.compile(r"[,;\n]")
_LONGEST_TERM = 4
"""Words of a piece of a list; a longer one is a clause of a sentence."""
_MOST = 100


def prompt_keyterms(prompt: str, keywords: Sequence[str], limits: Limits) -> tuple[str, ...]:
    """The key terms of a stream: its keywords, then what the prompt names, as many as there may be.

    Args:
        prompt: A list of terms, or sentences, of which the names and rare words are taken.
        keywords: The client's own list.
        limits: Of the stream; what does not fit of the prompt is left out, as it is only a hint.
    """
    own = tuple(dict.fromkeys(term for word in keywords if (term := " ".join(word.split()))))
    most = min(_MOST, max(0, limits.keyterms - len(own)))
    terms = [term for term in _terms(prompt, most) if len(term) <= limits.keyterm_characters]
    return with_context(own, terms, most=len(own) + most)


def _terms(prompt: str, most: int) -> tuple[str, ...]:
    pieces = [" ".join(piece.split()).rstrip(".") for piece in _SEPARATORS.split(prompt)]
    pieces = [piece for piece in pieces if piece]
    if len(pieces) > 1 and all(len(piece.split()) <= _LONGEST_TERM for piece in pieces):
        return tuple(dict.fromkeys(pieces))
    return context_keyterms([prompt], most=most)
