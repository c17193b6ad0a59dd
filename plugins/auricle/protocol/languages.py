"""Resolves a language code to one of the codes that a server offers. Pure.

Codes come as people and frameworks write them: ``en``, ``EN_us``, ``zh-Hans-CN``, ``deu``, ``iw``, ``es-419``. A server
offers one code for each locale of its model; a code without a region stands for the first locale of its language.
Scripts and variants are ignored, as they do not change the sound. A locale that is not offered resolves to the nearest
one of its language: Mexican Spanish to that of the Americas, Australian English to British. A model for ``zh-CN`` does
not understand Cantonese, so ``yue`` and ``zh-HK`` are refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

AUTO = "auto"
"""The model detects the language. Events have this as their language until the model has named one."""
_ANY = frozenset({AUTO, "und", "mul", "multi"})
"""Codes for any language: BCP-47's undetermined and multiple, and ``multi``, which Deepgram uses."""

# Left of ">" are codes of ISO 639-2 (both of its forms) and 639-3, and the withdrawn iw and mo of ISO 639-1.
_OTHERS = (
    "no/nob/nor>nb iw/heb>he mo/ron/rum>ro cmn/zho/chi>zh arb/ara>ar ekk/est>et lvs/lav>lv eng>en spa>es "
    "hin>hi fra/fre>fr deu/ger>de jpn>ja rus>ru por>pt kor>ko ita>it nld/dut>nl pol>pl tur>tr ukr>uk "
    "ell/gre>el ces/cze>cs hun>hu swe>sv dan>da fin>fi slk/slo>sk hrv>hr bul>bg lit>lt tha>th vie>vi "
    "slv>sl mlt>mt nno>nn"
)
_SAME = {
    other: code for others, _, code in (each.partition(">") for each in _OTHERS.split()) for other in others.split("/")
}
"""Other codes of the same language, among them those of ISO 639-2 and 639-3."""
# Here `mo` is the region Macao; as a language, above, it is Moldavian.
_NOT_MANDARIN = frozenset({"hk", "mo", "yue", "nan", "wuu", "hak"})
"""Subtags that make a ``zh`` code one of another Chinese language than Mandarin."""

_SPANISH_AMERICA = "419 ar bo br bz cl co cr cu do ec gt hn mx ni pa pe pr py sv us uy ve"
_NEAREST = {
    "en": ("us", "gb", frozenset("as ca gu lr mp ph pr um us vi".split())),
    "es": ("us", "es", frozenset(_SPANISH_AMERICA.split())),
    "pt": ("br", "pt", frozenset({"br"})),
    "fr": ("ca", "fr", frozenset({"ca"})),
}
"""By language: the two regions that models offer, and the regions that are nearer to the first than to the second."""
# BCP 47 has hyphens, POSIX locales the rest: en_US.UTF-8, sr_RS@latin.
_SEPARATORS = re.compile(r"[-_.@]")
# RFC 5646, section 2.2.4: two letters of ISO 3166-1 or three digits of UN M.49 (419 is Latin America). Scripts have
# four letters and variants at least four characters, so neither is taken for a region.
_REGION = re.compile(r"[a-z]{2}|[0-9]{3}")


def resolve(code: str, offered: Sequence[str]) -> str | None:
    """The offered code that `code` stands for.

    ``auto`` resolves to the only language of a server that offers no other.

    Args:
        code: In any usual form; case does not matter.
        offered: The codes of a server, see `Ready.languages`.

    Returns:
        None when the code stands for none of them.
    """
    code = code.strip()
    lowered = {"-".join(_SEPARATORS.split(each.lower())): each for each in offered}
    tags = _SEPARATORS.split(code.lower())
    # First, so that a server's own codes always work, also those that the tables do not know.
    if exact := lowered.get("-".join(tags)):
        return exact
    if code.lower() in _ANY:
        return AUTO if AUTO in offered else _only(offered)
    if tags[0] in {"zh", "zho", "chi"} and not _NOT_MANDARIN.isdisjoint(tags):
        return None
    return _nearest(_SAME.get(tags[0], tags[0]), tags[1:], lowered)


def _only(offered: Sequence[str]) -> str | None:
    languages = {_SEPARATORS.split(each.lower())[0] for each in offered}
    return offered[0] if len(languages) == 1 else None


def _nearest(language: str, rest: list[str], offered: dict[str, str]) -> str | None:
    """The locale of the region in `rest`, or the nearest one; without a region, the first of the language."""
    of_language = [code for name, code in offered.items() if name.partition("-")[0] == language]
    region = next((tag for tag in rest if _REGION.fullmatch(tag)), None)
    if region is None or not of_language:
        return next(iter(of_language), None)
    own = offered.get(f"{language}-{region}")
    if own is None and language in _NEAREST:
        first, second, near_first = _NEAREST[language]
        own = offered.get(f"{language}-{first if region in near_first else second}")
    return own or of_language[0]
