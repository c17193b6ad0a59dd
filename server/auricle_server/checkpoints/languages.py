"""Which languages a checkpoint offers.

How a code that a client sends is matched to them is in `auricle.protocol.languages`, which clients need as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auricle_server.checkpoints.config import PromptConfig

AUTO = "auto"
ENGLISH_ONLY = ("en-US",)
"""Languages of a model without a prompt: the published ones are English."""

TRAINED = {
    "en-US": "English (United States)",
    "en-GB": "English (United Kingdom)",
    "es-ES": "Spanish (Spain)",
    "es-US": "Spanish (Americas)",
    "zh-CN": "Chinese (Mandarin)",
    "hi-IN": "Hindi",
    "ar-AR": "Arabic",
    "fr-FR": "French (France)",
    "fr-CA": "French (Canada)",
    "de-DE": "German",
    "ja-JP": "Japanese",
    "ru-RU": "Russian",
    "pt-BR": "Portuguese (Brazil)",
    "pt-PT": "Portuguese (Portugal)",
    "ko-KR": "Korean",
    "it-IT": "Italian",
    "nl-NL": "Dutch",
    "pl-PL": "Polish",
    "tr-TR": "Turkish",
    "uk-UA": "Ukrainian",
    "ro-RO": "Romanian",
    "el-GR": "Greek",
    "cs-CZ": "Czech",
    "hu-HU": "Hungarian",
    "sv-SE": "Swedish",
    "da-DK": "Danish",
    "fi-FI": "Finnish",
    "sk-SK": "Slovak",
    "hr-HR": "Croatian",
    "bg-BG": "Bulgarian",
    "lt-LT": "Lithuanian",
    "th-TH": "Thai",
    "vi-VN": "Vietnamese",
    "et-EE": "Estonian",
    "lv-LV": "Latvian",
    "sl-SI": "Slovenian",
    "he-IL": "Hebrew",
    "mt-MT": "Maltese",
    "nb-NO": "Norwegian (Bokmål)",
    "nn-NO": "Norwegian (Nynorsk)",
}
"""The locales that the multilingual checkpoint was trained on, with their names (its model card). Its prompt dictionary
also lists locales without training data, which are not offered."""


def offered_languages(prompt: PromptConfig | None) -> tuple[str, ...]:
    """Codes that a stream may name, the default first.

    For a prompted model: ``auto``, and the trained locales that its dictionary knows. Where its dictionary has a short
    name (``es``), the locale with the same prompt precedes the others of the language, so that the first locale
    of a language is the one for which its bare code stands. A model without a prompt is English.
    """
    if prompt is None:
        return ENGLISH_ONLY
    trained = [code for code in TRAINED if code in prompt.dictionary]
    by_index = {prompt.dictionary[code]: code for code in trained}
    short = {code: by_index.get(index) for code, index in prompt.dictionary.items() if "-" not in code}
    ahead = {code for name, code in short.items() if code is not None and code.startswith(f"{name}-")}
    first = [AUTO] if AUTO in prompt.dictionary else []
    return (*first, *sorted(trained, key=lambda code: code not in ahead))
