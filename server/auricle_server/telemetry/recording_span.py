"""The span of a request that brings a recording; the streams of its channels are within it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from auricle_server.telemetry.log_context import RequestContext
from auricle_server.telemetry.stream_record import LEFT, request_attributes
from auricle_server.telemetry.tracing import Tracing


@contextmanager
def recording_span(tracing: Tracing | None, request: RequestContext, dialect: str) -> Iterator[None]:
    """The block transcribes the recording of a request.

    Args:
        tracing: Of the gateway; None makes no span.
        request: The client's.
        dialect: Of the client.
    """
    if tracing is None:
        yield
        return
    attributes = {"auricle.dialect": dialect, "auricle.key": request.fields.get("key", "")}
    span = request.span = tracing.begin("auricle.recording", request, {**attributes, **request_attributes(request)})
    try:
        yield
    except ConnectionError:
        span.set_attributes({"auricle.end.reason": LEFT})
        span.end()
        raise
    except Exception as error:
        code, status = getattr(error, "code", type(error).__name__), getattr(error, "status", 500)
        span.set_attributes({"auricle.end.reason": code})
        # By the conventions for HTTP a client's fault is no error of the server's span.
        span.end(code if status >= 500 else None, str(error))
        raise
    else:
        span.end()
    finally:
        request.span = None
