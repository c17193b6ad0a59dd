"""How Deepgram's clients ask for words to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from multidict import MultiMapping

from auricle.protocol.settings import NumberFormat, Replacement, TextFormat

WRITING_PARAMETERS: Final = frozenset({"numerals", "smart_format", "profanity_filter", "replace"})
"""What `text_format` reads."""


def text_format(query: MultiMapping[str], features: Mapping[str, bool]) -> TextFormat:
    """What a query asks for.

    Args:
        query: Its `replace` names phrases: ``phrase:replacement``, or the phrase alone, which is left out.
        features: Of the other parameters, those that are there: whether they are on.

    Raises:
        InvalidMessage: A phrase cannot be.
    """
    phrases = (each.partition(":") for each in query.getall("replace", []))
    asked = TextFormat(replace=tuple(Replacement(phrase, text) for phrase, _, text in phrases if phrase.strip()))
    return changed(asked, features)


def changed(asked: TextFormat, features: Mapping[str, Any]) -> TextFormat:
    """The same with other features; of numerals and smart format, the latter does more.

    Args:
        asked: So far.
        features: By name; what is no boolean changes nothing.
    """
    given = {name: on for name, on in features.items() if isinstance(on, bool)}
    smart = given.get("smart_format", asked.numbers == "smart")
    numerals = given.get("numerals", asked.numbers == "numerals")
    numbers: NumberFormat = "smart" if smart else "numerals" if numerals else "words"
    profanity = given.get("profanity_filter", asked.profanity_filter)
    return replace(asked, numbers=numbers, profanity_filter=profanity)
