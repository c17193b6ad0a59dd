from __future__ import annotations

import pytest

from auricle_server.text.formatting import Formatter


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("john at example dot com", "john@example.com"),
        ("my email is john dot smith at example dot com thanks", "my email is john.smith@example.com thanks"),
        ("It's John underscore Smith at Example dot com.", "It's john_smith@example.com."),
        ("it is j o h n at example dot co dot uk", "it is john@example.co.uk"),
        ("j smith at example dot org", "jsmith@example.org"),
        ("anna twenty three at example dot io", "anna23@example.io"),
        ("anna two three at my dash company dot com", "anna23@my-company.com"),
        ("john at gmail.com", "john@gmail.com"),
        ("look at example dot com", "look at example.com"),
        ("www dot example dot com slash help", "www.example.com/help"),
        ("go to example dot com slash a dash b slash c", "go to example.com/a-b/c"),
        ("a friend at example dot com", "a friend@example.com"),
        ("the dot at the end", "the dot at the end"),
        ("example dot nothing", "example dot nothing"),
        ("dot com", "dot com"),
        ("example dot com dot", "example dot com dot"),
        ("john at, example dot com", "john at, example.com"),
    ],
)
def test_addresses(said: str, written: str) -> None:
    assert Formatter("smart").text(said) == written


def test_numerals_leave_addresses_alone() -> None:
    assert Formatter("numerals").text("john at example dot com") == "john at example dot com"
