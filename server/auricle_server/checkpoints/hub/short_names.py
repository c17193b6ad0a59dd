"""Short names of models on the hub, for those who type them."""

from __future__ import annotations

from typing import Final

NEMOTRON_EN: Final = "nvidia/nemotron-speech-streaming-en-0.6b"
NEMOTRON_3_5: Final = "nvidia/nemotron-3.5-asr-streaming-0.6b"
SHORT_NAMES = {"nemotron-en": NEMOTRON_EN, "nemotron-3.5": NEMOTRON_3_5}
"""Short name -> id on the hub."""


def short_name(model_id: str) -> str:
    """The short name of a model; empty for one that has none."""
    return next((short for short, known in SHORT_NAMES.items() if known == model_id), "")
