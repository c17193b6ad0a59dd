"""Codes, prompts and tags of the multilingual demo model's languages."""

from __future__ import annotations

import re

PROMPT_OF = {"en-US": 0, "es-ES": 2, "fr-FR": 8, "de-DE": 9, "it-IT": 15}
"""Prompt index by BCP-47 code, as in NVIDIA's multilingual model."""
AUTO, AUTO_PROMPT, PROMPTS = "auto", 101, 128
"""The prompt for language detection and the number of prompts, as in NVIDIA's model."""
TAGS = tuple(f"<{code}>" for code in PROMPT_OF)
_SENTENCE_END = re.compile(r"(?<=[.?!])(?=\s|$)")
_TAG = re.compile(r"\s*<([a-z]{2}-[A-Z]{2})>")


def dictionary() -> dict[str, int]:
    """Prompt index by code, by short code (``es``) and for ``auto``."""
    return PROMPT_OF | {code[:2]: index for code, index in PROMPT_OF.items()} | {AUTO: AUTO_PROMPT}


def tagged(text: str, code: str) -> str:
    """The text with the language's tag after every sentence, as a separate word."""
    return _SENTENCE_END.sub(f" <{code}>", text)


def untagged(text: str) -> str:
    """The text without tags."""
    return _TAG.sub("", text)


def last_tag(text: str) -> str | None:
    """The code of the last tag in a text; None if there is none."""
    codes: list[str] = _TAG.findall(text)
    return codes[-1] if codes else None
