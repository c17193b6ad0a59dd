"""Where two marks that close a phrase meet, one of them stays."""

from __future__ import annotations

import pytest

from auricle_server.text.closing_marks import FULL_STOPS, with_mark


@pytest.mark.parametrize(
    ("text", "mark", "written"),
    [
        ("Hello", ".", "Hello."),
        ("Hello,", ".", "Hello."),
        ("Hello,", "?", "Hello?"),
        ("Hello;", "...", "Hello..."),
        ("Really?", ".", "Really?"),
        ("Wait...", ",", "Wait..."),
        ("Wait…", ".", "Wait…"),
        ("So.", ".", "So."),
        ("So,", ",", "So,"),
        ("So,", ":", "So,"),
        ("Hello", "?!", "Hello?!"),
        ("Hello", "...", "Hello..."),
        ("你好，", "。", "你好。"),
        ("你好。", "，", "你好。"),
        ("مرحبا،", "؟", "مرحبا؟"),
        ("नमस्ते,", "।", "नमस्ते।"),
        ("ሰላም፣", "።", "ሰላም።"),
        ("(so", ")", "(so)"),
        ("(so)", ".", "(so)."),
        ("(so.", ")", "(so.)"),
        ("(etc.)", ",", "(etc.),"),
        ('"Hello,', '"', '"Hello,"'),
        ('"Hello,"', ".", '"Hello."'),
        ('"Why?"', ".", '"Why?"'),
        ('"Hello,', '."', '"Hello."'),
        ('"Why?', '."', '"Why?"'),
    ],
)
def test_two_marks_never_meet(text: str, mark: str, written: str) -> None:
    assert with_mark(text, mark) == written


def test_the_space_before_a_mark_stays() -> None:
    assert with_mark("va", "?", " ") == "va ?"
    assert with_mark("va ?", ".") == with_mark("va ?", ".", " ") == "va ?"
    assert with_mark("va ,", "?", " ") == "va ?"


@pytest.mark.parametrize("mark", sorted(FULL_STOPS))
def test_every_script_s_full_stop_takes_the_place_of_a_comma(mark: str) -> None:
    assert with_mark("a,", mark) == f"a{mark}"
    assert with_mark(f"a{mark}", ",") == f"a{mark}"
