"""The access log: a line for each request of HTTP. Streams get one more when they end, see `StreamRecord`."""

from __future__ import annotations

import logging
import re
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from multidict import CIMultiDict

from auricle_server.gateway.listening.pending_connections import client_address
from auricle_server.telemetry.log_context import RequestContext, current_request
from auricle_server.telemetry.stream_record import access_log, pairs
from auricle_server.telemetry.trace_headers import TRACEPARENT, TRACESTATE, trace_headers

CLIENT_GONE = 499
"""Status in the log of a request whose client has gone before the answer, as nginx writes it."""
_PROBES = {"/healthz", "/readyz", "/metrics", "/v1/resume"}
"""What other programs ask every few seconds, and what the gateways of a server ask each other."""
_MOST_PATH = 200
_SHOWN = frozenset(
    """
    channels detect_language diarize encoding endpointing eager_eot_threshold eot_threshold eot_timeout_ms filler_words
    interim_results intent language latency_ms model multichannel no_new numerals profanity_filter punctuate sample_rate
    smart_format utterance_end_ms utterances vad_events version words
    """.split()
)
"""Parameters of a query that are settings. The values of others, and their names, may be secrets or what people say."""
_VALUE = re.compile(r"[A-Za-z0-9_.,:-]{0,40}")
_HIDDEN = "..."


def shown_path(request: web.BaseRequest) -> str:
    """Path and query of a request as they may stand in a log: without keys, tokens and key terms."""
    path = request.rel_url.raw_path[:_MOST_PATH]
    shown, hidden = [], False
    for name, value in request.rel_url.query.items():
        if name in _SHOWN and _VALUE.fullmatch(value):
            shown.append(f"{name}={value}")
        else:
            hidden = True
    query = "&".join([*shown[:20], *([_HIDDEN] if hidden else [])])
    return f"{path}?{query}" if query else path


def context_of(request: web.BaseRequest) -> RequestContext:
    """The context of a request that begins."""
    headers = CIMultiDict(request.headers)  # aiohttp gives what is no HTTP a plain `dict`
    # A page cannot set headers of a WebSocket.
    in_query = request.rel_url.query.getall(TRACEPARENT, [])[:2]
    return RequestContext(
        peer=client_address(request.remote) if request.remote else "",
        method=request.method,
        path=request.rel_url.raw_path[:_MOST_PATH],
        trace_headers=trace_headers(headers.getall(TRACEPARENT, in_query), headers.getall(TRACESTATE, [])),
    )


def write_request(request: web.BaseRequest, status: int, seconds: float, sent_bytes: int) -> None:
    """Writes the line of a request that is answered, or whose client has gone."""
    context = current_request.get() or context_of(request)
    fields: dict[str, Any] = {
        "method": request.method,
        "path": shown_path(request),
        "status": status,
        "seconds": round(seconds, 3),
        "sent_bytes": sent_bytes + context.sent_bytes,
        "received_bytes": (request.content_length or 0) + context.received_bytes,
        "peer": context.peer,
        **{name: context.fields.get(name, "") for name in ("key", "dialect", "session")},
    }
    level = logging.DEBUG if request.rel_url.raw_path in _PROBES else logging.INFO
    access_log.log(level, "request %s", pairs(fields), extra={"context": fields})


class RequestLog(AbstractAccessLogger):
    """aiohttp's way to have its requests logged; those without a route, and what is no HTTP, come here as well."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """As `AbstractAccessLogger.log`."""
        write_request(request, response.status, time, response.body_length)
