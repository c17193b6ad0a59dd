"""How words are to be written."""

from __future__ import annotations

import pytest
from multidict import MultiDict

from auricle.protocol.settings import InvalidMessage, NumberFormat, Replacement, TextFormat
from auricle_server.gateway.dialects.deepgram_listen.query import read_query
from auricle_server.gateway.dialects.deepgram_listen.writing import changed, text_format


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, "words"),
        ({"numerals": "true"}, "numerals"),
        ({"smart_format": "true"}, "smart"),
        ({"smart_format": "true", "numerals": "true"}, "smart"),
        ({"smart_format": "false", "numerals": "true"}, "numerals"),
    ],
)
def test_numbers(query: dict[str, str], numbers: NumberFormat) -> None:
    start, options = read_query(MultiDict(query))
    assert start.text_format == TextFormat(numbers)
    assert options.unserved == ()


def test_phrases_are_replaced_or_left_out() -> None:
    query = MultiDict([("replace", "monika:Monica"), ("replace", "um"), ("replace", ":x"), ("replace", "at: 9:30")])
    written = (Replacement("monika", "Monica"), Replacement("um", ""), Replacement("at", " 9:30"))
    assert text_format(query, {"profanity_filter": True}) == TextFormat(profanity_filter=True, replace=written)
    with pytest.raises(InvalidMessage, match="replace"):
        text_format(MultiDict(replace="x" * 10_000), {})


def test_a_feature_can_change_alone() -> None:
    asked = TextFormat("smart", replace=(Replacement("a", "b"),))
    assert changed(asked, {"smart_format": False}).numbers == "words"
    assert changed(asked, {"numerals": True}) == asked
    assert changed(asked, {"profanity_filter": True, "numerals": "yes"}).profanity_filter
