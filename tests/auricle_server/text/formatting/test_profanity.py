from __future__ import annotations

import pytest

from auricle_server.text.formatting import Formatter
from auricle_server.text.formatting.profanity import PROFANE, masked


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("fuck", "f***"),
        ("Fucking", "F******"),
        ("shit,", "s***,"),
        ('"Asshole!"', '"A******!"'),
        ("bastard's", "b******'s"),
        ("class", "class"),
        ("Scunthorpe", "Scunthorpe"),
        ("cockpit", "cockpit"),
        ("hello", "hello"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_profane_words_keep_their_first_letter(word: str, written: str) -> None:
    assert masked(word) == written


def test_the_list_is_of_words_in_lower_case() -> None:
    assert all(word == word.lower() and " " not in word for word in PROFANE)


def test_a_text_keeps_its_other_words() -> None:
    assert Formatter(mask_profanity=True).text("well shit twenty of them") == "well s*** twenty of them"
