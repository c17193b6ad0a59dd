"""How the processes of a server write their logs: as text, or as lines of JSON.

One handler writes all: what the server logs, what its libraries log, Python's warnings, and exceptions that nothing
has caught.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import logging
import multiprocessing
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from auricle_server.telemetry.log_context import PROCESS_FIELDS, current_request, current_stream
from auricle_server.telemetry.settings import JSON

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

TEXT_FORMAT = "%(asctime)s %(levelname)-7s %(processName)s %(name)s: %(message)s"
MOST_BYTES = 4096
"""Longest line of JSON. POSIX writes so much (PIPE_BUF) to a pipe in one piece: the processes of a server share one,
and a longer line could have another one in its middle."""
_CUT = "..."
_SECRETIVE = ("opentelemetry.util.re",)
"""Loggers that repeat what they were given, headers with a token for example, when they cannot read it."""


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, of ASCII alone and of at most `MOST_BYTES` bytes.

    The fields: ``time`` (UTC, RFC 3339), ``level``, ``logger``, ``message``, ``process`` and ``pid``; where they exist
    ``server``, ``model``, ``worker``, ``session``, ``key`` and ``dialect``, those of the access log, and ``exception``,
    the traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter.format`."""
        line: dict[str, Any] = {
            "time": _rfc3339(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.processName,
            "pid": record.process,
            **_context(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return _bounded(line)


def json_line(logger: str, message: str) -> str:
    """A line as `JsonFormatter` writes it, for standard output."""
    record = logging.LogRecord(logger, logging.INFO, "", 0, "%s", (message,), None)
    return JsonFormatter().format(record)


def _context(record: logging.LogRecord) -> dict[str, Any]:
    """What the record is about: the process, then the request, then the stream, then what the record itself says."""
    request = current_request.get()
    worker = {"worker": record.processName} if (record.processName or "").startswith("worker-") else {}
    of_request: Mapping[str, Any] = {} if request is None else request.fields
    of_record: Mapping[str, Any] = getattr(record, "context", {})
    return {**PROCESS_FIELDS, **worker, **of_request, **current_stream.get(), **of_record}


def _rfc3339(seconds: float) -> str:
    written = dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")


def _bounded(line: dict[str, Any]) -> str:
    """The line, with its longest texts cut until it is short enough."""
    text = json.dumps(line, default=str)
    # The last lines of a traceback tell most; of other texts the first do.
    for name in ("stack", "exception", "message", *line):
        value = line.get(name)
        while len(text) >= MOST_BYTES and isinstance(value, str) and len(value) > len(_CUT):
            # A character may take up to twelve bytes of JSON, so what is left may still be too long.
            keep = max(0, len(value) - (len(text) - MOST_BYTES) // 12 - len(_CUT) - 1)
            tail = name in {"stack", "exception"}
            value = line[name] = (_CUT + value[len(value) - keep :]) if tail else value[:keep] + _CUT
            text = json.dumps(line, default=str)
    return text


class _JsonHandler(logging.StreamHandler[Any]):
    """Writes to standard error; a record that cannot be formatted becomes a line of its own, not a bare traceback."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name of the library
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            return  # standard error is gone, or its disk is full: there is nowhere to say so
        line = {"time": _rfc3339(record.created), "level": "ERROR", "logger": record.name, "pid": record.process}
        said = f"a log message cannot be written: {type(error).__name__}: {error}; its text is {str(record.msg)[:200]}"
        self.stream.write(_bounded({**line, "message": said}) + self.terminator)


def configure_logs(level: str, log_format: str, server_name: str = "") -> None:
    """Sets up the logs of this process, on standard error.

    Args:
        level: Of the least severe messages that are written.
        log_format: See `TelemetryConfig.log_format`.
        server_name: Of this server among several; empty for none.
    """
    if server_name:
        PROCESS_FIELDS["server"] = server_name
    for name in _SECRETIVE:
        logging.getLogger(name).addFilter(_without_arguments)
    if log_format != JSON:
        logging.basicConfig(level=level, format=TEXT_FORMAT)
        return
    handler = _JsonHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(True)
    sys.excepthook = _on_uncaught
    sys.unraisablehook = _on_unraisable
    threading.excepthook = _on_thread_failure


def _without_arguments(record: logging.LogRecord) -> bool:
    record.msg, record.args = "a header of an OTEL_ variable cannot be read; its form is name=value,name=value", None
    return True


def _on_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        log.warning("interrupted")
    else:
        log.critical("uncaught exception: %s", kind.__name__, exc_info=(kind, error, traceback))


def _on_unraisable(failure: sys.UnraisableHookArgs) -> None:
    error = failure.exc_value or failure.exc_type()
    message = failure.err_msg or "exception ignored"
    log.error("%s in %r", message, failure.object, exc_info=(type(error), error, failure.exc_traceback))


def _on_thread_failure(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None:
        name = "" if failure.thread is None else failure.thread.name
        details = (failure.exc_type, failure.exc_value, failure.exc_traceback)
        log.error("uncaught exception thread=%s", name, exc_info=details)


def logs_failures(main: Callable[P, T]) -> Callable[P, T]:
    """The entry point of a process, whose failure is logged; `multiprocessing` alone prints a bare traceback."""

    @functools.wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return main(*args, **kwargs)
        except Exception:
            log.critical("uncaught exception process=%s", multiprocessing.current_process().name, exc_info=True)
            sys.exit(1)

    return run
