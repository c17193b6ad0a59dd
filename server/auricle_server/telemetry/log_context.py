"""What a log line is about: the request and the stream in whose course it is written, and the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from auricle_server.telemetry.tracing import TraceSpan

P = ParamSpec("P")
T = TypeVar("T")

PROCESS_FIELDS: dict[str, str] = {}
"""Of every line of this process: the name of its server, and the model of a worker."""


@dataclass(slots=True, eq=False)
class RequestContext:
    """A request, from its beginning to the end of the stream that it opens.

    Attributes:
        peer: Address of the client, as its socket names it; empty where that is another gateway.
        method: Of HTTP, or ``"gRPC"``.
        path: Without the query.
        trace_headers: W3C's ``traceparent`` and ``tracestate``, as they came.
        fields: For the lines that are written in its course: ``session``, ``key``, ``dialect``, ``model``, ``worker``.
        span: Of the request; None without one.
        received_bytes: Of the messages of a WebSocket.
        sent_bytes: Likewise.
    """

    peer: str = ""
    method: str = ""
    path: str = ""
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    span: TraceSpan | None = None
    received_bytes: int = 0
    sent_bytes: int = 0


current_request: ContextVar[RequestContext | None] = ContextVar("current_request", default=None)
"""Of the running task, and of those that it starts."""


_NONE: Mapping[str, str] = {}
current_stream: ContextVar[Mapping[str, str]] = ContextVar("current_stream", default=_NONE)
"""Fields of the stream that the running code works for, where that is not the one of its request."""


def in_stream(fields: Mapping[str, str], call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls something that works for a stream from outside of its request: what it logs has the stream's fields."""
    token = current_stream.set(fields)
    try:
        return call(*args, **kwargs)
    finally:
        current_stream.reset(token)


def request_context() -> RequestContext:
    """The current request; an empty one outside of any."""
    return current_request.get() or RequestContext()


def note(**fields: str) -> None:
    """Adds fields to all further lines in the course of the current request; outside of any it does nothing."""
    if (request := current_request.get()) is not None:
        request.fields.update(fields)
