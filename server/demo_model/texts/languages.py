"""The languages of the multilingual demo model: their sentences and voices."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from demo_model.audio.voices import EspeakVoice, FliteVoice, SynthesisVoice
from demo_model.texts import (
    french_patterns,
    french_words,
    german_patterns,
    german_words,
    italian_patterns,
    italian_words,
    sentences,
    spanish_patterns,
    spanish_words,
)
from demo_model.texts.grammar import Grammar
from demo_model.texts.sentences import SentenceSource

_VARIANTS = "+f2", "+f3", "+f4", "+f5", "+m2", "+m3", "+m4", "+m7", "+Annie", "+Lee", "+Andrea", "+Alex"
TOKENIZER_SENTENCES = 12_000


@dataclass(frozen=True)
class Language:
    """A language of the training data.

    Attributes:
        code: BCP-47.
        generate: Endless sentences; the second argument asks for held-out ones.
        voices: Voices with their weights.
    """

    code: str
    generate: SentenceSource
    voices: tuple[tuple[SynthesisVoice, float], ...]


def _espeak(main: str, *regional: str) -> tuple[tuple[SynthesisVoice, float], ...]:
    """The main voice, its variants and regional voices, with their weights."""
    weighted: list[tuple[SynthesisVoice, float]] = [(EspeakVoice(main), 3.0)]
    weighted += [(EspeakVoice(main + variant), 1.0) for variant in _VARIANTS]
    return (*weighted, *((EspeakVoice(file), 1.0) for file in regional))


_FLITE: tuple[tuple[SynthesisVoice, float], ...] = tuple(
    (FliteVoice(name), 3.0) for name in ("slt", "rms", "awb", "kal16")
)

GRAMMARS = {
    "es-ES": Grammar(spanish_words.WORDS, spanish_patterns.PATTERNS),
    "fr-FR": Grammar(french_words.WORDS, french_patterns.PATTERNS),
    "de-DE": Grammar(german_words.WORDS, german_patterns.PATTERNS),
    "it-IT": Grammar(italian_words.WORDS, italian_patterns.PATTERNS),
}
"""By language; English has sentences of more kinds, see `demo_model.texts.sentences`."""

LANGUAGES = (
    Language("en-US", sentences.generate, (*_espeak("en-US"), *_FLITE)),
    Language("es-ES", GRAMMARS["es-ES"].generate, _espeak("es", "es-419")),
    Language("fr-FR", GRAMMARS["fr-FR"].generate, _espeak("fr", "fr-be", "fr-ch")),
    Language("de-DE", GRAMMARS["de-DE"].generate, _espeak("de")),
    Language("it-IT", GRAMMARS["it-IT"].generate, _espeak("it")),
)
BY_CODE = {language.code: language for language in LANGUAGES}


def tokenizer_text(lines: Mapping[str, Sequence[str]] | None = None) -> Iterator[str]:
    """Sentences of all languages in turn, for the tokenizer: patterns, and as many lines of each language's texts."""
    rng = random.Random(7)
    sources = [(language.generate(rng, False), (lines or {}).get(language.code, ())) for language in LANGUAGES]
    for index in range(TOKENIZER_SENTENCES):
        for patterns, own in sources:
            yield next(patterns).text
            if own:
                yield own[index % len(own)]
