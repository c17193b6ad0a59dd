"""The trace that a connection belongs to, where the program around the client uses OpenTelemetry.

The client needs no library for it: where nothing has imported OpenTelemetry's API, no span can be current.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

TraceContext = Callable[[], Any]
"""Returns an OpenTelemetry ``Context``, or None for the current one."""


def trace_headers(context: TraceContext | None = None) -> Mapping[str, str]:
    """Headers that name a span as the parent of the server's, by OTEL_PROPAGATORS; empty where there is none.

    Args:
        context: Holds the span; None, or one that returns None, takes the context of the running task.
    """
    if "opentelemetry.trace" not in sys.modules:
        return {}
    from opentelemetry import propagate, trace

    found = None if context is None else context()
    if not trace.get_current_span(found).get_span_context().is_valid:
        return {}
    headers: dict[str, str] = {}
    propagate.inject(headers, found)
    return headers
