"""Names and rare words of a conversation as key terms: which words count, in which order, how many."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from auricle.context_keyterms import LONGEST_CHARACTERS, context_keyterms, with_context


def terms(*messages: str, most: int = 20) -> tuple[str, ...]:
    return context_keyterms(messages, most=most)


def test_names_and_rare_words_are_found_and_the_rest_is_not() -> None:
    assert terms("Hello, how can I help you today?", "I want to talk to Dr. Nowak about metoprolol.") == (
        "Nowak",
        "metoprolol",
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Patients ask about Dr. Zbigniew Brzęczyszczykiewicz and Anna van der Berg.",
            ("Zbigniew Brzęczyszczykiewicz", "Anna van der Berg"),
        ),
        ("Hi Anna! Your flight with Air Burkina is at 10:45, gate B12.", ("Anna", "Air Burkina")),
        ("He asked O\u2019Brien's wife and Jean-Luc Picard.", ("O'Brien", "Jean-Luc Picard")),
        ("Would Nguyen do? Siobhan is out.", ("Nguyen", "Siobhan")),
        ("The J. R. Tolkien Society meets on Monday, March 3.", ("J R Tolkien Society",)),
        ("Did you take gabapentin, or did the pharmacist replace it?", ("gabapentin",)),
        ("Great! Booking is done. Unfortunately Tuesday is full. Absolutely. Let's see.", ()),
        ("- **Margherita Pizza**: 12 EUR\n- **Quattro Stagioni**: 14 EUR", ("Margherita Pizza", "Quattro Stagioni")),
        ('{"name": "Siobhan O\'Malley", "city": "Reykjavík"}', ("Siobhan O'Malley", "Reykjavík")),
        ("Mail Anna@Acme.io or see https://Example.com/Foo, `SomeCode` and <Tag>.", ()),
        ("PLEASE LISTEN TO EVERY WORD OF THIS NOW", ()),
    ],
)
def test_names_are_told_by_their_capitals(message: str, expected: tuple[str, ...]) -> None:
    assert terms(message) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Der Termin bei Doktor Schäfer ist am Montag in der Praxis in Tübingen.", ("Schäfer", "Tübingen")),
        ("Здравствуйте, меня зовут Анастасия Кузнецова.", ("Анастасия Кузнецова",)),
        ("你好,我想预约iPhone维修", ("iPhone",)),
        ("مرحبا، كيف حالك", ()),
    ],
)
def test_other_languages_give_names_and_no_ordinary_words(message: str, expected: tuple[str, ...]) -> None:
    assert terms(message) == expected


def test_the_newest_message_comes_first_and_the_oldest_are_left_out() -> None:
    messages = ["Is Alessandra there?", "No, but Brunhilde is.", "And Casimir or Dorothea?"]
    assert terms(*messages) == ("Casimir", "Dorothea", "Brunhilde", "Alessandra")
    assert terms(*messages, most=3) == ("Casimir", "Dorothea", "Brunhilde")
    assert terms(*messages, most=0) == ()


def test_no_term_comes_twice() -> None:
    assert terms("Is Nowak in?", "No, NOWAK is out, and so is Nowak's wife.") == ("NOWAK",)


def test_a_list_is_the_users_own_and_then_what_fits() -> None:
    own = ("Brookfield", "Gabapentin")
    assert with_context(own, ("Nowak", "gabapentin", "Berg"), most=3) == (*own, "Nowak")
    assert with_context(own, ("Nowak",), most=1) == own


def test_what_no_server_takes_is_left_out() -> None:
    assert terms(f"Please ask for X{'y' * LONGEST_CHARACTERS} and for Nowak.") == ("Nowak",)
    assert terms("\ud800 \x00 ... \n", "") == ()


@pytest.mark.parametrize("piece", ["Aa-", "a'", "<", "`", "```", "Von der ", ". ", "é", "A "])
def test_no_text_takes_long(piece: str) -> None:
    """A few milliseconds; a pattern that went back for each character would take minutes."""
    began = time.process_time()
    context_keyterms([piece * 500_000] * 20, most=50)
    assert time.process_time() - began < 10


def test_the_newest_messages_count_when_there_is_too_much() -> None:
    assert terms("Is Nowak in?", "and so on " * 5000, "Is Okonkwo in?") == ("Okonkwo",)


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="most: expected 0 or more"):
        terms("Nowak", most=-1)


def test_no_framework_is_imported() -> None:
    code = "import sys, auricle.context_keyterms; print({'pipecat', 'livekit', 'numpy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
