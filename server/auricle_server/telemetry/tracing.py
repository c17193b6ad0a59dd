"""Spans for OpenTelemetry, as the gateway sees them; without the extra ``[otel]`` nothing is loaded and none is made.

`auricle_server.telemetry.otel` makes them; it alone imports the library.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from auricle_server.telemetry.log_context import RequestContext
from auricle_server.telemetry.settings import OFF, REQUIRE, TelemetryConfig

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

log = logging.getLogger(__name__)

Attributes = Mapping[str, str | bool | int | float]

_WHERE_TO = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
"""Variables of OpenTelemetry that say that traces are wanted, and where."""
MISSING = "traces need the extra [otel]: pip install '.[otel]'"


class TraceSpan(Protocol):
    """A span that has begun. None of its methods waits or raises."""

    def add_event(self, name: str, attributes: Attributes) -> None:
        """Something has happened within it, now."""

    def set_attributes(self, attributes: Attributes) -> None:
        """Adds attributes, or replaces them."""

    def add_link(self, trace_headers: Mapping[str, str]) -> None:
        """Links another trace, which the headers of a request name; headers that are none are ignored."""

    def end(self, error: str | None = None, message: str = "") -> None:
        """Ends it; later calls do nothing.

        Args:
            error: What has gone wrong, a short name (``error.type``); None for success.
            message: The same in a sentence.
        """


class Tracing(Protocol):
    """Makes the spans of one gateway."""

    def begin(self, name: str, request: RequestContext, attributes: Attributes) -> TraceSpan:
        """A span that begins now: of the request's own span, else of the client's trace, else of a new trace."""

    async def close(self) -> None:
        """Sends the spans that have ended and were not sent yet, for a bounded time."""


class TracesUnavailable(ValueError):
    """Traces are required, and cannot be made; the message says what to install or to change."""


def wants_traces(config: TelemetryConfig, environment: Mapping[str, str] | None = None) -> bool:
    """Whether spans are to be made.

    Args:
        config: Of the server.
        environment: Read in place of the process's own.

    Raises:
        TracesUnavailable: They are required, and the extra is not installed.
    """
    environment = os.environ if environment is None else environment
    if config.traces == OFF:
        return False
    if config.traces == REQUIRE and not is_installed():
        raise TracesUnavailable(MISSING)
    return config.traces == REQUIRE or any(environment.get(name, "").strip() for name in _WHERE_TO)


def check_traces(config: TelemetryConfig) -> None:
    """Looks whether required traces can be made.

    Raises:
        TracesUnavailable: They cannot.
    """
    if config.traces == REQUIRE and wants_traces(config):
        _exporter()


def _exporter() -> SpanExporter | None:
    """What sends the spans; None where OpenTelemetry's variables say that nothing does.

    Raises:
        TracesUnavailable: They ask for something that is not there.
    """
    from auricle_server.telemetry.otel import exporter_of

    try:
        return exporter_of(os.environ)
    except (ImportError, ValueError) as error:
        raise TracesUnavailable(f"no traces can be made: {error}") from error


def is_installed() -> bool:
    """Whether the extra ``[otel]`` is."""
    parts = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.common")
    try:
        return all(find_spec(part) is not None for part in parts)
    except ModuleNotFoundError:  # of the package that one of them lies in
        return False


def open_tracing(config: TelemetryConfig, server_name: str = "") -> Tracing | None:
    """What makes the spans of a gateway; None where none are wanted.

    Args:
        config: Of the server.
        server_name: Of this server among several.

    Raises:
        TracesUnavailable: They are required, and cannot be made.
    """
    if not wants_traces(config):
        return None
    if not is_installed():
        log.warning("no traces are made: %s", MISSING)
        return None
    from auricle_server.telemetry.otel import OtelTracing

    try:
        exporter = _exporter()
    except TracesUnavailable as error:
        if config.traces == REQUIRE:
            raise
        # A variable that another program needs must not keep calls from being served.
        log.error("%s", error)
        return None
    return None if exporter is None else OtelTracing(exporter, server_name)
