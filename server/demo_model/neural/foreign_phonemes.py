"""Phonemes of Spanish, French and Italian text for Kokoro, by espeak-ng."""

from __future__ import annotations

import re

from demo_model.audio import espeak
from demo_model.audio.voices import SynthesiserMissingError

ESPEAK_VOICES = {"es-ES": "es", "fr-FR": "fr", "it-IT": "it"}
_MARKS = re.compile(r"([.,?!;:]+)")
_ONE_SYMBOL = {
    "a^ɪ": "I", "a^ʊ": "W", "d^z": "ʣ", "d^ʒ": "ʤ", "e^ɪ": "A", "o^ʊ": "O", "t^s": "ʦ", "t^ʃ": "ʧ", "ɔ^ɪ": "Y",
}  # fmt: skip
"""What espeak-ng ties together and Kokoro's vocabulary has as one character."""
_TIED = re.compile("|".join(map(re.escape, _ONE_SYMBOL)))


def phonemes(text: str, language: str) -> str:
    """The phonemes of a sentence, one character each, with stress marks, spaces and punctuation.

    Raises:
        SynthesiserMissingError: espeak-ng is missing.
    """
    try:
        engine = espeak.engine()
    except espeak.EspeakMissingError as error:
        raise SynthesiserMissingError(str(error)) from error
    spoken = []
    for part in _MARKS.split(text.replace("¿", "").replace("¡", "")):
        if _MARKS.fullmatch(part):
            spoken.append(part[0])
        elif part.strip():
            written = engine.phonemes(ESPEAK_VOICES[language], part.strip())
            spoken.append((" " if spoken else "") + _kokoro(written))
    return "".join(spoken)


def _kokoro(ipa: str) -> str:
    return _TIED.sub(lambda match: _ONE_SYMBOL[match[0]], ipa).replace("^", "").replace("-", "")
