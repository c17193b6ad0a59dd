"""How the words of OpenAI's clients are written, in recordings and in realtime alike.

OpenAI's models write numbers, money, times and dates as people do, and its clients have no field for it: so does the
server, unless a client asks for the words as they were said.
"""

from __future__ import annotations

from auricle.protocol.settings import TextFormat
from auricle_server.gateway.errors import BadRequest

NUMERALS = "numerals"
"""The field of a form, or parameter of a URL, in which a client says so. It is none of OpenAI's."""
_TRUE, _FALSE = {"true", "1"}, {"", "false", "0"}


def text_format(numerals: str | None) -> TextFormat:
    """How words are written.

    Args:
        numerals: The value of `NUMERALS`; None or empty without it.

    Raises:
        BadRequest: It is neither true nor false.
    """
    return TextFormat(numbers="smart" if truth(NUMERALS, numerals or "true") else "words")


def truth(name: str, text: str) -> bool:
    """A field that is true or false; an empty one is false.

    Raises:
        BadRequest: It is neither.
    """
    value = text.strip().lower()
    if value not in _TRUE | _FALSE:
        raise BadRequest(f"{name}: expected true or false")
    return value in _TRUE
