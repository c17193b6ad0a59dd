"""Codes as people write them, and the ones that a server offers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import LanguageCode
from livekit.agents._language_data import CODE_TO_LANGUAGE_NAME, ISO_639_3_TO_1
from pipecat.transcriptions.language import Language

from auricle.protocol.languages import resolve
from auricle_server.checkpoints.languages import TRAINED

OFFERED = ("auto", *TRAINED)
ENGLISH = ("en-US",)
HEARD = {code.partition("-")[0] for code in TRAINED} | {"no"}
"""The languages of the published multilingual model."""


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("en", "en-US"),
        ("EN-us", "en-US"),
        ("en_US.UTF-8", "en-US"),
        (" en-gb ", "en-GB"),
        ("en-AU", "en-GB"),
        ("en-CA", "en-US"),
        ("eng", "en-US"),
        ("pt", "pt-BR"),
        ("pt-AO", "pt-PT"),
        ("zh", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("cmn-Hans-CN", "zh-CN"),
        ("zh_TW", "zh-CN"),
        ("no", "nb-NO"),
        ("nb", "nb-NO"),
        ("nn", "nn-NO"),
        ("no-NO", "nb-NO"),
        ("iw", "he-IL"),
        ("es-MX", "es-US"),
        ("es-419", "es-US"),
        ("es-GQ", "es-ES"),
        ("es", "es-ES"),
        ("fr-CH", "fr-FR"),
        ("fr-ca", "fr-CA"),
        ("de-AT-1996", "de-DE"),
        ("ar-EG", "ar-AR"),
        ("auto", "auto"),
        ("AUTO", "auto"),
        ("multi", "auto"),
        ("mul", "auto"),
        ("und", "auto"),
    ],
)
def test_a_code_is_understood_in_any_usual_form(code: str, meant: str) -> None:
    assert resolve(code, OFFERED) == meant


@pytest.mark.parametrize(
    "code", ["", "-", "x", "tlh", "english", "yue", "yue-CN", "zh-HK", "zh-Hant-MO", "zh-yue", "ca-ES", "sr-Latn"]
)
def test_a_language_that_is_not_there_is_not_guessed_at(code: str) -> None:
    assert resolve(code, OFFERED) is None


@pytest.mark.parametrize("code", ["en", "en-US", "en-GB", "en-IN", "eng", "auto", "multi"])
def test_a_model_of_one_language_takes_all_its_codes_and_auto(code: str) -> None:
    assert resolve(code, ENGLISH) == "en-US"


def test_a_model_of_one_language_takes_no_other() -> None:
    assert resolve("de", ENGLISH) is None


def test_where_the_model_cannot_find_out_nobody_can_ask_it_to() -> None:
    assert resolve("auto", ("en-US", "de-DE")) is None
    assert resolve("auto", ("en-US", "en-GB")) == "en-US"
    assert resolve("auto", ()) is None


def test_the_first_of_a_language_is_what_its_bare_code_means() -> None:
    assert resolve("pt", ("pt-PT", "pt-BR")) == "pt-PT"
    assert resolve("es-MX", ("es-ES",)) == "es-ES"
    assert resolve("en-NZ", ("en-US",)) == "en-US"


def test_what_a_server_says_is_taken_as_it_says_it() -> None:
    assert resolve("en", ("en-US", "en")) == "en"  # as servers before offered it
    assert resolve("EN-in", ("en-IN", "en-GB")) == "en-IN"


@pytest.mark.parametrize("language", Language, ids=str)
def test_all_of_pipecats_languages(language: Language) -> None:
    base = language.value.partition("-")[0]
    heard = (base in HEARD or base == "cmn") and language is not Language.ZH_HK
    found = resolve(language, OFFERED)
    assert (found in TRAINED) == heard
    assert found is None or found.partition("-")[0] == {"no": "nb", "cmn": "zh"}.get(base, base)


@pytest.mark.parametrize("code", sorted({*CODE_TO_LANGUAGE_NAME, *ISO_639_3_TO_1}))
def test_all_of_livekits_languages(code: str) -> None:
    base = LanguageCode(code).language
    found = resolve(LanguageCode(code), OFFERED)
    assert (found in TRAINED) == (base in HEARD)
    assert found is None or found.partition("-")[0] == {"no": "nb"}.get(base, base)


def test_every_code_that_is_offered_stands_for_itself() -> None:
    assert [resolve(code, OFFERED) for code in OFFERED] == list(OFFERED)


@given(st.text(max_size=20) | st.from_regex(r"[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{1,8}){0,3}", fullmatch=True))
def test_whatever_is_asked_for_the_answer_is_offered_or_none(code: str) -> None:
    assert resolve(code, OFFERED) in {None, *OFFERED}
