"""Words without case and punctuation."""

from __future__ import annotations

import pytest

from auricle_server.text.plain_text import plain


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Don't, please!", "don't please"),
        ("¿Qué? — 50 %", "qué 50 %"),
        ("AT&T's e-mail: a@b.de.", "at&t's e-mail a@b.de"),
        ("... ?", ""),
        ("你好。", "你好"),
        ("It is -40, - s***!", "it is -40 s***"),
    ],
)
def test_plain_text(text: str, bare: str) -> None:
    assert plain(text) == bare
