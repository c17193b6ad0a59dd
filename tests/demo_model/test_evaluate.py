from __future__ import annotations

from demo_model.evaluate import score


def test_word_errors_are_counted() -> None:
    assert score(["a b c"], ["a x c d"]).errors == 2
    result = score(["Hello, there."], ["hello there"])
    assert (result.wer, result.written_wer) == (0.0, 1.0)
