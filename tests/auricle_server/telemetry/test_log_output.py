"""Lines of JSON, whatever is logged, and by whom."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from auricle_server.telemetry.log_context import RequestContext, current_request, in_stream, note
from auricle_server.telemetry.log_output import MOST_BYTES, JsonFormatter, json_line

LONG = "ü\n\x00\u2028\ud800" * 5000


def written(message: str, *args: object, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord("room", logging.WARNING, "", 0, message, args, more.pop("exc_info", None))
    record.__dict__.update(more)
    line = JsonFormatter().format(record)
    assert len(line) < MOST_BYTES
    assert line.isascii()
    assert len(line.splitlines()) == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_says_when_who_and_what() -> None:
    line = written("hello %s", "you\nthere")
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "room", "hello you\nthere")
    assert line["time"].endswith("Z")
    assert line["time"][10] == "T"
    assert line["process"] == "MainProcess"
    assert line["pid"] > 0
    assert json.loads(json_line("room", "a\nb"))["message"] == "a\nb"


@pytest.mark.parametrize("long", ["x" * 9000, LONG, "\\" * 9000])
def test_a_line_is_short_enough_for_a_pipe(long: str) -> None:
    assert written("%s", long)["message"].endswith("...")
    assert written("%s", long, context={"path": long, "session": "s"})["session"] == "s"


def test_a_long_traceback_keeps_its_end() -> None:
    try:
        raise ValueError(LONG + "the end")
    except ValueError:
        line = written("failed", exc_info=sys.exc_info())
    assert line["exception"].startswith("...")
    assert line["exception"].endswith("the end")
    assert line["message"] == "failed"


def test_a_line_has_the_request_and_the_stream_in_whose_course_it_is_written() -> None:
    token = current_request.set(RequestContext())
    try:
        note(key="ci", session="of the request")
        assert (written("x")["key"], written("x")["session"]) == ("ci", "of the request")
        assert in_stream({"session": "other"}, written, "x")["session"] == "other"
        assert written("x", context={"session": "its own"})["session"] == "its own"
    finally:
        current_request.reset(token)
    assert "key" not in written("x")
    note(key="nobody")  # outside of a request there is nothing to note it for


SCRIPT = """
import gc, logging, sys, threading, warnings
from auricle_server.telemetry.log_output import configure_logs, logs_failures
configure_logs("INFO", "json", "one")
log = logging.getLogger("room")
warnings.warn("an old way\\nto do it", DeprecationWarning, stacklevel=1)
log.info("%d", "no number")
class Bad:
    def __del__(self):
        raise RuntimeError("in del")
Bad()
gc.collect()
def fail():
    raise RuntimeError("in a thread")
thread = threading.Thread(target=fail, name="t-1")
thread.start()
thread.join()
logging.getLogger("opentelemetry.util.re").warning("Header format invalid: %s", "authorization=SECRET")
@logs_failures
def main():
    raise ValueError("two\\nlines")
try:
    main()
except SystemExit as end:
    log.info("exit %s", end.code)
raise LookupError("uncaught")
"""


def test_warnings_and_uncaught_exceptions_are_lines_too() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", SCRIPT], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert "SECRET" not in done.stderr
    said = [line["message"] for line in lines]
    assert "an old way\nto do it" in said[0]
    assert said[1].startswith("a log message cannot be written: TypeError")
    assert [line["exception"].splitlines()[-1] for line in lines if "exception" in line] == [
        "RuntimeError: in del",
        "RuntimeError: in a thread",
        "lines",
        "LookupError: uncaught",
    ]
    assert "exit 1" in said
    assert all(line.get("server", "one") == "one" for line in lines)
