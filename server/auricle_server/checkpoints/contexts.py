"""Selects the attention contexts of a checkpoint that can be streamed."""

from __future__ import annotations

import json
import logging
from typing import Any

from auricle_server.checkpoints.parsing.bounds import LEFT_CONTEXT, RIGHT_CONTEXT
from auricle_server.checkpoints.section import Section

log = logging.getLogger(__name__)

Context = tuple[int, int]
"""Left and right context, in encoder frames."""
_KEY = "att_context_size"
_UNLIMITED = [-1, -1]
_LONGEST = 4096
"""Characters of a text with contexts."""
_MOST = 64
"""Contexts of a checkpoint; each is a chunk latency, with programs of its own on a GPU."""


def streaming_contexts(section: Section) -> tuple[Context, ...]:
    """The limited contexts of ``encoder.att_context_size``, in its order, each once.

    In NeMo's style ``chunked_limited`` every frame of a chunk sees the whole chunk, in each layer. In its style
    ``regular`` a frame sees R frames ahead in each layer, so that the lookaheads of all layers add up to more than a
    chunk; with R = 0 both are the same.

    Raises:
        UnsupportedModel: No context can be streamed.
        BadCheckpoint: They are no contexts.
    """
    given = section.find(_KEY, _UNLIMITED)
    style = section.find("att_context_style", "regular")
    contexts = [_pair(section, value) for value in _listed(section, _parsed(given))]
    if style not in ("chunked_limited", "regular"):
        section.refuse("att_context_style", style, "the engine streams 'chunked_limited' attention")
    limited = [context for context in contexts if context is not None and _is_limited(context)]
    if not limited:
        why = "attention that is not limited on both sides needs the whole recording"
        section.refuse(_KEY, given, why)
    fitting = [context for context in limited if style == "chunked_limited" or context[1] == 0]
    if not fitting:
        why = "each layer looks further ahead than the one before, so a frame waits for the lookaheads of all layers"
        section.refuse("att_context_style", style, f"{why}; a right context of 0 would do")
    if len(fitting) < len(contexts):
        log.info("of the attention contexts %s only %s can be streamed", given, [list(context) for context in fitting])
    return tuple(dict.fromkeys(fitting))


def _parsed(given: Any) -> Any:
    """A text such as "[70, 13]" or "70,13" as the numbers that it holds; an empty list is NeMo's unlimited context."""
    if isinstance(given, str) and len(given) <= _LONGEST:
        text = given.strip().replace("(", "[").replace(")", "]")
        try:
            found = json.loads(f"[{text}]")
        except (ValueError, RecursionError):
            return given
        given = found[0] if text.startswith("[") and len(found) == 1 else found
    return _UNLIMITED if given == [] else given


def _listed(section: Section, given: Any) -> list[Any]:
    """The contexts: one, or a list of them."""
    if not isinstance(given, list | tuple) or not 0 < len(given) <= _MOST:
        section.reject(_KEY, given, f"it must be a context [left, right], or a list of up to {_MOST}")
    return list(given) if isinstance(given[0], list | tuple) else [given]


def _pair(section: Section, value: Any) -> Context | None:
    """The context; None for NeMo's contexts of three parts, which belong to another style."""
    if not isinstance(value, list | tuple) or len(value) not in (2, 3):
        section.reject(_KEY, value, "a context is [left, right], in frames of the encoder")
    if len(value) == 3:
        return None
    left, right = value
    return section.check_integer(_KEY, left, LEFT_CONTEXT), section.check_integer(_KEY, right, RIGHT_CONTEXT)


def _is_limited(context: Context) -> bool:
    left, right = context
    # A left context shorter than a chunk holds no whole chunk, so nothing before the chunk would be seen.
    return right >= 0 and left >= right + 1
