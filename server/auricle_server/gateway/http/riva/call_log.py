"""A call of gRPC as the logs and traces see it: who calls, in which trace, and how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from auricle_server.gateway.listening.pending_connections import client_address
from auricle_server.telemetry.log_context import RequestContext, current_request
from auricle_server.telemetry.stream_record import access_log, pairs
from auricle_server.telemetry.trace_headers import TRACEPARENT, TRACESTATE, trace_headers

Context = Any
"""``grpc.aio.ServicerContext``: gRPC ships no types."""


@contextmanager
def logged_call(context: Context, path: str, logged: bool) -> Iterator[None]:
    """The block answers a call, which gets a line in the access log afterwards.

    Args:
        context: Of the call.
        path: ``/SERVICE/METHOD``.
        logged: Whether it gets one.
    """
    address = call_address(context)
    parents, states = metadata_values(context, TRACEPARENT), metadata_values(context, TRACESTATE)
    request = RequestContext(
        peer=client_address(address) if address else "",
        method="gRPC",
        path=path,
        trace_headers=trace_headers(parents, states),
    )
    current_request.set(request)
    began, cancelled = time.monotonic(), False
    try:
        yield
    except asyncio.CancelledError:
        cancelled = True
        raise
    finally:
        if logged:
            _write(context, request, time.monotonic() - began, cancelled=cancelled)


def _write(context: Context, request: RequestContext, seconds: float, *, cancelled: bool) -> None:
    status = grpc.StatusCode.CANCELLED if cancelled else context.code() or grpc.StatusCode.OK
    fields: dict[str, Any] = {
        "method": request.method,
        "path": request.path,
        "status": status.name if isinstance(status, grpc.StatusCode) else str(status),
        "seconds": round(seconds, 3),
        "peer": request.peer,
        **{name: request.fields.get(name, "") for name in ("key", "dialect", "session")},
    }
    access_log.info("request %s", pairs(fields), extra={"context": fields})


def metadata_values(context: Context, name: str) -> list[str]:
    """The values of a key of the client's metadata, those that are text."""
    found = (value for key, value in context.invocation_metadata() or () if key == name)
    return [value for value in found if isinstance(value, str)]


def metadata_value(context: Context, name: str) -> str | None:
    """The first of them; None where there is none."""
    return next(iter(metadata_values(context, name)), None)


def call_address(context: Context) -> str | None:
    """The client's address; gRPC names its peer as ``ipv4:HOST:PORT`` or ``ipv6:[HOST]:PORT``, with escapes."""
    kind, _, rest = context.peer().partition(":")
    host = rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")
    return host if kind in {"ipv4", "ipv6"} else None
