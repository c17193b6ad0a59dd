from __future__ import annotations

import shutil

import pytest

from demo_model.neural import foreign_phonemes

pytestmark = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="no espeak-ng")


@pytest.mark.parametrize(
    ("language", "text", "sounds"),
    [
        ("es-ES", "¿Mañana, señor?", "maɲˈana, seɲˈoɾ?"),
        ("es-ES", "Ocho.", "ˈoʧo."),
        ("it-IT", "Giovedì. Grazie.", "ʤovedˈi. ɡrˈaʦje."),
    ],
)
def test_sounds_of_two_letters_are_one_character_and_punctuation_stays(language: str, text: str, sounds: str) -> None:
    assert foreign_phonemes.phonemes(text, language) == sounds


def test_nasal_vowels_keep_their_mark() -> None:
    assert "\N{COMBINING TILDE}" in foreign_phonemes.phonemes("Un bon vin blanc.", "fr-FR")


def test_text_without_a_word_has_no_sounds() -> None:
    assert foreign_phonemes.phonemes("?", "es-ES") == "?"
    assert foreign_phonemes.phonemes("  ", "es-ES") == ""
