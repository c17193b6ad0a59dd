"""What a server writes about its streams, and what of that may hold what people have said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TEXT, JSON = "text", "json"
LOG_FORMATS = (TEXT, JSON)
OFF, REDACTED, FULL = "off", "redacted", "full"
LOG_CONTENTS = (OFF, REDACTED, FULL)
AUTO, REQUIRE = "auto", "require"
TRACES = (OFF, AUTO, REQUIRE)
NUMBERS, EMAILS, SPELLED, KEYTERMS = "numbers", "emails", "spelled", "keyterms"
REDACTIONS = (NUMBERS, EMAILS, SPELLED, KEYTERMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryConfig:
    """Logs and traces.

    Attributes:
        log_format: ``"text"``, or ``"json"`` for a line of JSON per event.
        access_log: Whether each request, and each stream that has ended, gets a line.
        log_content: Whether logs and traces may hold transcripts: ``"off"``, ``"redacted"`` or ``"full"``.
        log_redact: What ``"redacted"`` leaves out: of `REDACTIONS`.
        traces: Whether streams become spans: ``"auto"`` where a variable of OpenTelemetry says where to send them,
            ``"off"``, or ``"require"``, so that a server without the extra ``[otel]`` does not start.

    Raises:
        ValueError: A value is none of these; the message names the setting.
    """

    log_format: str = TEXT
    access_log: bool = True
    log_content: str = OFF
    log_redact: tuple[str, ...] = REDACTIONS
    traces: str = AUTO

    def __post_init__(self) -> None:
        for name, known in (("log_format", LOG_FORMATS), ("log_content", LOG_CONTENTS), ("traces", TRACES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: expected {', '.join(known)}")
        if not self.log_redact or not set(self.log_redact) <= set(REDACTIONS):
            raise ValueError(f"log_redact: expected some of {', '.join(REDACTIONS)}, with commas between")


DEFAULT_TELEMETRY = TelemetryConfig()


def comma_separated(text: str) -> tuple[str, ...]:
    """The items of a list as people write it."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def telemetry_variables(flag: Callable[[str], bool]) -> dict[str, Callable[[str], Any]]:
    """How each setting is read from its variable.

    Args:
        flag: Reads a truth.
    """
    return {
        "log_format": str.lower,
        "access_log": flag,
        "log_content": str.lower,
        "log_redact": comma_separated,
        "traces": str.lower,
    }
