"""What of a transcript may be written."""

from __future__ import annotations

import time

import pytest

from auricle_server.telemetry.redaction import MOST_CHARACTERS, ContentPolicy, redact
from auricle_server.telemetry.settings import REDACTIONS, TelemetryConfig


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("my number is five five five one two, thanks", "my number is [number], thanks"),
        ("call 0151 234-567 or +49 30 1.234,50 now", "call [number] or +[number] now"),
        ("on the twenty-first of May at half past two", "on the [number] of May at half past [number]"),
        ("meine Nummer ist fünfundzwanzig drei acht", "meine Nummer ist [number]"),
        ("double oh seven", "[number]"),
        ("room 12b", "room [number]"),
        ("write to j.doe+x@example.co.uk please", "write to [email] please"),
        ("it is john dot smith at example dot com okay", "it is [email] okay"),
        ("my name is J O H N", "my name is [spelled]"),
        ("my name is J-O-H-N Smith", "my name is [spelled] Smith"),
        ("juliett oscar hotel november speaking", "[spelled] speaking"),
        ("it goes jay oh aitch en", "it goes [spelled]"),
        ("you are right about plan B", "you are right about plan B"),
        ("I see why you are late", "I see why you are late"),
        ("so Auricle's demo and my Blue  Shield card", "so [keyterm] demo and my [keyterm] card"),
        ("", ""),
    ],
)
def test_what_a_redacted_transcript_shows(said: str, written: str) -> None:
    assert redact(said, REDACTIONS, ("auricle", "Blue Shield")) == written


def test_only_what_is_asked_for_is_replaced() -> None:
    said = "four at 4@x.org"
    assert redact(said, ("emails",)) == "four at [email]"
    assert redact(said, ("keyterms",), ()) == said
    assert redact("a.b (c) [x", ("keyterms",), ("(c)", " ", "[x")) == "a.b [keyterm] [keyterm]"


@pytest.mark.parametrize("piece", ["a-", "a.", "a at ", "a dot ", "@", "a'", "1 ", "J-"])
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    redact(piece * 1000, REDACTIONS, ("a a",))
    assert time.process_time() - began < 2


def test_by_default_nothing_is_written() -> None:
    assert ContentPolicy(TelemetryConfig()).text("hello") is None
    assert not ContentPolicy(TelemetryConfig()).allows


def test_a_long_transcript_is_cut() -> None:
    policy = ContentPolicy(TelemetryConfig(log_content="full"))
    assert policy.text("my 5") == "my 5"
    assert policy.text("x" * 5000) == "x" * MOST_CHARACTERS + "..."
    assert ContentPolicy(TelemetryConfig(log_content="redacted")).text("my 5", ("my",)) == "[keyterm] [number]"
