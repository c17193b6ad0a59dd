"""Which languages a checkpoint is offered for."""

from __future__ import annotations

from auricle_server.checkpoints.config import PromptConfig

AUTO = "auto"
ENGLISH_ONLY = ("en-US", "en")

TRAINED = frozenset(
    "en-US en-GB es-ES es-US zh-CN hi-IN ar-AR fr-FR de-DE ja-JP ru-RU pt-BR pt-PT ko-KR it-IT nl-NL pl-PL tr-TR "
    "uk-UA ro-RO el-GR cs-CZ hu-HU sv-SE da-DK fi-FI sk-SK hr-HR bg-BG lt-LT th-TH vi-VN et-EE lv-LV sl-SI he-IL "
    "fr-CA mt-MT nb-NO nn-NO".split()
)
"""The language-locales that the multilingual checkpoint was trained on; its dictionary lists more, untrained, ones."""


def offered_languages(prompt: PromptConfig | None) -> tuple[str, ...]:
    """Codes that a stream may name, the default first.

    For a prompted model: ``auto``, the trained locales that its dictionary knows, and the dictionary's short names
    for them (``en`` beside ``en-US``). A model without a prompt is English.
    """
    if prompt is None:
        return ENGLISH_ONLY
    trained = [code for code in prompt.dictionary if code in TRAINED]
    indices = {prompt.dictionary[code] for code in trained}
    short = [code for code, index in prompt.dictionary.items() if "-" not in code and index in indices]
    first = [AUTO] if AUTO in prompt.dictionary else []
    return (*first, *trained, *short)
