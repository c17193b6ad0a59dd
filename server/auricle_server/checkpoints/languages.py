"""Which languages a checkpoint offers.

How a code that a client sends is matched to them is in `auricle.protocol.languages`, which clients need as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
"""The locales that the published multilingual checkpoint was trained on, with their names (its model card)."""
UNTRAINED = frozenset(
    """
    zh-TW zh-ZH hi-HI ja-JA ko-KO no no-NO id-ID ms-MY bn-IN ur-PK fa-IR ta-IN te-IN mr-IN gu-IN kn-IN ml-IN si-LK ne-NP
    km-KH sw-KE am-ET ha-NG zu-ZA yo-NG ig-NG af-ZA rw-RW so-SO ny-MW ln-CD or-KE ku-TR az-AZ ka-GE hy-AM uz-UZ tg-TJ
    ky-KG qu-PE ay-BO gn-PY nah-MX mi-NZ haw-US sm-WS to-TO
    """.split()
)
"""Other codes of its prompt dictionary: it was not trained on them, so a published model does not offer them."""


def offered_languages(prompt: PromptConfig | None, *, published: bool = False) -> tuple[str, ...]:
    """Codes that a stream may name, the default first.

    For a prompted model: ``auto``, and the codes of its dictionary. Where the dictionary has a short name (``es``) for
    the prompt of a locale of the language, that locale precedes the others of the language, so that the first locale of
    a language is the one for which its bare code stands; the short name itself is not listed. A model without a prompt
    is English.

    Args:
        prompt: The model's.
        published: Whether it is a published model, which does not offer `UNTRAINED`. What somebody else has trained
            offers all that its dictionary lists.
    """
    if prompt is None:
        return ENGLISH_ONLY
    known = [code for code in (*TRAINED, *prompt.dictionary) if code in prompt.dictionary and code != AUTO]
    codes = [code for code in dict.fromkeys(known) if not (published and code in UNTRAINED)]
    stands_for = {code: _locale(code, prompt.dictionary, codes) for code in prompt.dictionary if "-" not in code}
    ahead = {locale for locale in stands_for.values() if locale is not None}
    listed = [code for code in codes if stands_for.get(code) is None]
    first = [AUTO] if AUTO in prompt.dictionary else []
    return (*first, *sorted(listed, key=lambda code: code not in ahead))


def _locale(name: str, dictionary: Mapping[str, int], codes: Sequence[str]) -> str | None:
    """The locale of a short name (``es``, ``esES``) that has its prompt; None where there is none."""
    same = (code for code in codes if "-" in code and dictionary[code] == dictionary[name])
    return next((code for code in same if name in {code.partition("-")[0], code.replace("-", "")}), None)
