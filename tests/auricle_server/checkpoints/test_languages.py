"""What a checkpoint is offered for: the locales it was trained on, canonical codes only, a language's own one first."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from auricle.protocol.languages import resolve
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints.config import PromptConfig
from auricle_server.checkpoints.languages import TRAINED, UNTRAINED, offered_languages


def offered(dictionary: dict[str, int], *, published: bool = False) -> tuple[str, ...]:
    return offered_languages(PromptConfig(128, dictionary), published=published)


def test_there_are_forty_locales_of_thirty_five_languages_with_names() -> None:
    assert len(TRAINED) == len(set(TRAINED.values())) == 40
    assert len({code.partition("-")[0].replace("nn", "nb") for code in TRAINED}) == 35


DICTIONARY = {"en-US": 0, "en": 0, "enGB": 1, "en-GB": 1, "id-ID": 34, "de-DE": 9, "auto": 101, "cy-GB": 105, "cy": 105}


def test_of_a_published_model_untrained_locales_and_short_names_are_left_out() -> None:
    assert set(offered(DICTIONARY, published=True)) == {"auto", "en-US", "en-GB", "cy-GB", "de-DE"}
    prompt = SHAPES["3.5"].prompt
    assert prompt is not None
    assert set(offered_languages(prompt, published=True)) == {"auto", *TRAINED}
    assert {"no", *(code for code in prompt.dictionary if "-" in code)} == UNTRAINED | TRAINED.keys()


def test_any_other_model_offers_what_its_dictionary_has() -> None:
    found = offered(DICTIONARY)
    assert found[0] == "auto"
    assert set(found) == {"auto", "en-US", "en-GB", "id-ID", "de-DE", "cy-GB"}
    asked = ("cy", "cy_gb", "CY-GB", "id", "en", "en-IN", "de", "eng")
    assert [resolve(code, found) for code in asked] == [
        *("cy-GB", "cy-GB", "cy-GB", "id-ID", "en-US", "en-GB", "de-DE", "en-US"),
    ]


def test_a_dictionary_of_new_languages_alone_has_a_default() -> None:
    assert offered({"cy-GB": 3, "gd": 4}) == ("cy-GB", "gd")


def test_codes_are_found_however_the_dictionary_writes_them() -> None:
    found = offered({"ca_ES": 7, "Welsh": 8, "zh-HK": 9, "auto": 101})
    asked = ("ca-ES", "ca", "ca_es", "welsh", "zh-HK")
    assert [resolve(code, found) for code in asked] == ["ca_ES", "ca_ES", "ca_ES", "Welsh", "zh-HK"]


def test_a_model_without_auto_offers_none() -> None:
    assert offered({"de-DE": 9, "en-US": 0}) == ("en-US", "de-DE")


def test_the_dictionarys_own_short_names_say_which_locale_is_meant() -> None:
    american = offered({"es-ES": 2, "es-US": 3, "es": 3, "pt-BR": 12, "pt-PT": 13, "auto": 101})
    european = offered({"es-ES": 2, "es-US": 3, "es": 2, "pt-BR": 12, "pt-PT": 13, "pt": 13, "auto": 101})
    assert [resolve(code, american) for code in ("es", "pt", "es-ES", "pt-BR")] == ["es-US", "pt-BR", "es-ES", "pt-BR"]
    assert [resolve(code, european) for code in ("es", "pt", "es-MX", "pt-BR")] == ["es-ES", "pt-PT", "es-US", "pt-BR"]
    assert american[0] == european[0] == "auto"


def test_a_model_without_a_prompt_is_english() -> None:
    assert offered_languages(None) == ("en-US",)


def test_the_languages_are_known_without_loading_torch() -> None:
    code = "import sys, auricle_server.checkpoints.languages; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_the_page_lists_them() -> None:
    page = (Path(__file__).parents[3] / "docs" / "languages.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("|") and "`de-DE`" in line and "`auto`" not in line]
    first = page.index(rows[0])
    table = page[page.rindex("\n\n", 0, first) : page.index("\n\n", first)]
    assert sorted(re.findall(r"`([a-z]{2}-[A-Z]{2})`", table)) == sorted(TRAINED)
