from __future__ import annotations

from demo_model.evaluate import edit_distance, score


def test_word_errors_are_counted() -> None:
    assert edit_distance("a b c".split(), "a x c d".split()) == 2
    result = score(["Hello, there."], ["hello there"])
    assert (result.wer, result.written_wer) == (0.0, 1.0)
