from __future__ import annotations

from demo_model import prompts


def test_a_tag_follows_every_sentence() -> None:
    text = prompts.tagged("¿Qué hora es? Son las dos.", "es-ES")
    assert text == "¿Qué hora es? <es-ES> Son las dos. <es-ES>"
    assert prompts.untagged(text) == "¿Qué hora es? Son las dos."
    assert prompts.last_tag(text) == "es-ES"
    assert prompts.last_tag("Nothing.") is None
    assert prompts.tagged("", "es-ES") == ""
