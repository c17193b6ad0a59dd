from __future__ import annotations

import pytest

from auricle_server.text.formatting import Formatter


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("three p m", "3 PM"),
        ("three thirty pm", "3:30 PM"),
        ("Three thirty p.m.", "3:30 PM."),
        ("at three p.m. we met", "at 3 PM we met"),
        ("at nine oh five a m", "at 9:05 AM"),
        ("3 pm", "3 PM"),
        ("half past three", "3:30"),
        ("half past three p m", "3:30 PM"),
        ("quarter past one", "1:15"),
        ("a quarter to one", "12:45"),
        ("seven o'clock", "7 o'clock"),
        ("at ten fifteen", "at 10:15"),
        ("by four twenty five", "by 4:25"),
        ("ten thirty", "10:30"),
        ("six forty in the morning", "6:40 in the morning"),
        ("at nineteen thirty", "at 19:30"),
        ("after nineteen forty five", "after 1945"),
        ("at ten fifteen hundred", "at 10 1500"),
        ("I have three am I right", "I have three am I right"),
        ("half of three", "half of three"),
        ("quarter to the hour", "quarter to the hour"),
        ("at nineteen eighty four", "at 1984"),
    ],
)
def test_times(said: str, written: str) -> None:
    assert Formatter("smart").text(said) == written
