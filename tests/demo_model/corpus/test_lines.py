from __future__ import annotations

from pathlib import Path

import pytest

from demo_model.corpus import lines


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("I am twenty-five today!", "I am twenty five today."),
        ("  What   time is it? ", "What time is it?"),
        ("It's a well-known place.", "It's a well-known place."),
        ("There are 3 of them.", None),
        ("price range is NOT moderate.", None),
        ("He said: come in.", None),
        ("No.", None),
        ("without a capital letter.", None),
        ("It has no end", None),
    ],
)
def test_lines_become_sentences_as_the_recipe_writes_them(line: str, text: str | None) -> None:
    assert lines.as_written(line) == text


def test_what_is_held_out_is_never_trained_on(tmp_path: Path) -> None:
    train, reserved = tmp_path / "en.txt", tmp_path / "en.heldout.txt"
    words = "one two three four five six seven eight nine ten".split()
    train.write_text("\n".join(f"We saw {a} cats and {b} dogs there." for a in words for b in words))
    reserved.write_text("This one is only for evaluation, please.\nWe saw one cats and one dogs there.")
    training, held_out = lines.read([train, reserved]), lines.read([train, reserved], held_out=True)
    assert "This one is only for evaluation, please." in held_out
    assert not set(training) & set(lines.read([train], held_out=True))
    assert 85 <= len(training) <= 99
    assert training == lines.read([train, reserved])


@pytest.mark.parametrize(
    ("language", "line", "text"),
    [
        ("es-ES", "¡Qué bien!", "Qué bien."),
        ("es-ES", "¿Dónde está la señora?", "¿Dónde está la señora?"),
        ("fr-FR", "À cause de cela.", "À cause de cela."),
        ("fr-FR", "Où est-il, s'il te plaît?", "Où est-il, s'il te plaît?"),
        ("de-DE", "Über die Straße, bitte!", "Über die Straße, bitte."),
        ("it-IT", "È già tardi.", "È già tardi."),
        ("it-IT", "Straße und Brücke.", None),
        ("en-US", "Où est-il?", None),
    ],
)
def test_each_language_has_letters_of_its_own(language: str, line: str, text: str | None) -> None:
    assert lines.as_written(line, language) == text


def test_the_name_of_a_file_says_its_language() -> None:
    files = [Path(name) for name in ("en.txt", "en.heldout.txt", "es.txt", "x/es.heldout.txt", "essays.txt")]
    assert [file.name for file in lines.of_language(files, "es-ES")] == ["es.txt", "es.heldout.txt"]


def test_sentences_are_told_apart_by_language(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("What time is it now?\n")
    (tmp_path / "de.txt").write_text("Wie spät ist es jetzt?\n")
    found = lines.by_language(sorted(tmp_path.iterdir()), ("en-US", "de-DE", "it-IT"))
    assert found == {"en-US": ["What time is it now?"], "de-DE": ["Wie spät ist es jetzt?"], "it-IT": []}
    assert lines.with_tags(sorted(tmp_path.iterdir()), ("de-DE",)) == ["Wie spät ist es jetzt? <de-DE>"]
    assert sorted(lines.with_tags(sorted(tmp_path.iterdir()), ())) == ["What time is it now?"]
