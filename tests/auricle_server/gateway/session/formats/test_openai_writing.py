"""Numbers are written as people do unless a client says otherwise."""

from __future__ import annotations

import pytest

from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.formats.openai_writing import text_format, truth


@pytest.mark.parametrize(
    ("numerals", "numbers"),
    [(None, "smart"), ("", "smart"), ("true", "smart"), ("1", "smart"), ("False", "words"), ("0", "words")],
)
def test_numbers(numerals: str | None, numbers: str) -> None:
    assert text_format(numerals).numbers == numbers


def test_what_is_neither_true_nor_false_is_refused() -> None:
    assert [truth("field", text) for text in (" TRUE ", "", "false")] == [True, False, False]
    with pytest.raises(BadRequest, match="numerals: expected true or false"):
        text_format("some")
