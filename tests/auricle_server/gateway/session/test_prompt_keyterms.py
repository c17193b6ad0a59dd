"""What a prompt names becomes key terms; how it is written decides what that is."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.session.prompt_keyterms import prompt_keyterms


def test_a_list_is_taken_as_it_is() -> None:
    terms = prompt_keyterms("ZyntriQix, metoprolol;  Digique Plus\nlisinopril.", (), DEFAULT_LIMITS)
    assert terms == ("ZyntriQix", "metoprolol", "Digique Plus", "lisinopril")


def test_of_sentences_the_names_are_taken() -> None:
    terms = prompt_keyterms("The caller is Anna Nowak, and she asks about her flight to Oslo.", (), DEFAULT_LIMITS)
    assert {"Anna Nowak", "Oslo"} <= set(terms)
    assert "caller is" not in " ".join(terms)


def test_keywords_come_first_and_once() -> None:
    assert prompt_keyterms("Oslo, Bergen", ("bergen", " Tromsø  by ", "bergen", ""), DEFAULT_LIMITS) == (
        "bergen",
        "Tromsø by",
        "Oslo",
    )


def test_a_server_without_key_terms_ignores_a_prompt_and_not_keywords() -> None:
    none = replace(DEFAULT_LIMITS, keyterms=0)
    assert prompt_keyterms("Oslo, Bergen", (), none) == ()
    assert prompt_keyterms("Oslo, Bergen", ("Tromsø",), none) == ("Tromsø",)


@given(st.text(max_size=500))
def test_a_prompt_never_breaks_a_limit(prompt: str) -> None:
    limits = replace(DEFAULT_LIMITS, keyterms=7, keyterm_characters=20)
    assert limits.fit(prompt_keyterms(prompt, (), limits))
