"""The trace that a client's request belongs to, as W3C's Trace Context has it. Pure; the SDK reads the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
_MOST_PARENT = 256
"""Characters of a ``traceparent``: version 00 has 55, and later ones may append to it."""
_MOST_STATE = 512
"""Characters of a ``tracestate`` (section 3.3.1.5: vendors should propagate at least so many)."""


def trace_headers(parents: Sequence[str], states: Sequence[str]) -> Mapping[str, str]:
    """The headers that count; empty where there is no trace.

    Args:
        parents: Each ``traceparent`` of the request. Several are as good as none (section 3.2.2.3 lets a header that
            cannot be read begin a new trace).
        states: Each ``tracestate``, which are one list (section 3.3.1.1).
    """
    if len(parents) != 1 or len(parents[0]) > _MOST_PARENT or not parents[0].isascii():
        return {}
    found = {TRACEPARENT: parents[0]}
    state = ",".join(states)
    if state and len(state) <= _MOST_STATE and state.isascii():
        found[TRACESTATE] = state
    return found
