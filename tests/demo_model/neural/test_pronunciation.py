from __future__ import annotations

from importlib.util import find_spec

import pytest

from demo_model.audio.phones import INDEX, SILENCE, speech_span
from demo_model.audio.voices import SynthesiserMissingError
from demo_model.neural import pronunciation


def test_every_phoneme_has_a_phone_of_the_recipe() -> None:
    assert set(pronunciation.PHONE_OF.values()) <= set(INDEX)


def test_marks_of_stress_and_length_belong_to_their_phone() -> None:
    phones = pronunciation.timed(".hˈiː jˌu.", [0.3, 0.1, 0.05, 0.1, 0.05, 0.1, 0.1, 0.05, 0.2, 0.4])
    assert [phone.name for phone in phones] == [SILENCE, "hh", "iy", None, "y", "uw", SILENCE]
    vowel = phones[2]
    assert [vowel.start, vowel.end] == pytest.approx([0.4, 0.6])
    assert list(speech_span(phones)) == pytest.approx([0.3, 1.05])


@pytest.mark.skipif(find_spec("hibari") is not None, reason="hibari is installed")
def test_without_hibari_the_error_says_what_to_install() -> None:
    with pytest.raises(SynthesiserMissingError, match="pip install hibari-tts"):
        pronunciation.phonemes("Hello.")
