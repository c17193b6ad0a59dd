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
