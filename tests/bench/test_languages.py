"""What the bench of languages counts."""

from __future__ import annotations

from auricle.protocol.server_messages import Final
from demo_model.audio.voices import SAMPLE_RATE
from demo_model.prompts import PROMPT_OF
from tests.bench.languages.measures import LanguageTally, joined, words
from tests.bench.languages.table import markdown
from tests.bench.languages.talks import talk


def final(text: str, language: str) -> Final:
    return Final(seq=1, audio_time=2.0, text=text, language=language, start=0.0, end=1.0, words=(), settled=1.0)


def test_words_and_named_languages_are_counted() -> None:
    tally = LanguageTally()
    tally.add(
        "¿Qué hora es? Son las dos.", [final("Qué hora es.", "en-US"), final("Son los dos.", "es-ES")], "es-ES", 1.5
    )
    tally.add("Hola.", [], "es-ES", None)
    figures = joined([tally, LanguageTally()]).figures()
    assert (figures["words"], figures["errors"]) == (7, 2)
    assert figures["named_percent"] == 50
    assert figures["named_after_p50"] == 1.5
    assert words("¡Sí, señor!") == ["sí", "señor"]


def test_talks_are_the_same_for_the_same_seed_and_say_where_they_change() -> None:
    first, again = talk((7, ("de-DE", "it-IT"))), talk((7, ("de-DE", "it-IT")))
    assert [stretch.text for stretch in first.stretches] == [stretch.text for stretch in again.stretches]
    assert (
        abs(len(first.pcm) - len(again.pcm)) < SAMPLE_RATE
    )  # espeak-ng's timing depends a little on what it said before
    assert [stretch.code for stretch in first.stretches] == ["de-DE", "it-IT"]
    assert 0 < first.stretches[1].start < len(first.pcm)
    assert len(first.stretches[0].text) > 10


def test_the_tables_hold_every_figure() -> None:
    row = {code: {"wer_percent": 12.34, "named_percent": 98.0, "named_after_p50": 1.0} for code in (*PROMPT_OF, "all")}
    names = [f"160 ms {told}" for told in ("auto", "told", "changing auto", "changing told", "changing kept")]
    text = markdown(dict.fromkeys(names, row), 3)
    assert text.count("| 160 ms |") == 2
    assert text.count("12.3 (98)") == 4 * 6
    assert "| 160 ms, kept |" in text
