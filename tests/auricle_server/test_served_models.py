"""How an operator names the models of a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.config import ConfigError, ServerConfig
from auricle_server.served_models import ServedModel, join_models, parse_models, served_models


@pytest.mark.parametrize("source", ["demo", "nvidia/some-model", "./v=2/model.nemo", "/models/v=2,new/model.nemo"])
def test_one_model_needs_no_name(source: str) -> None:
    assert parse_models(source) == (ServedModel(source),)


def test_a_path_that_exists_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v=2.nemo").touch()
    assert parse_models("v=2.nemo") == (ServedModel("v=2.nemo"),)


def test_models_have_names_and_settings_of_their_own() -> None:
    text = "en=nemotron-en,slots=64,device=cuda:1,multi=/models/a=b,latency-ms=560,dtype=int8,workers=2"
    en, multi = parse_models(f"{text},threads=3,share=1.5")
    assert en == ServedModel("nemotron-en", "en", slots=64, device="cuda:1")
    assert multi == ServedModel("/models/a=b", "multi", latency_ms=560, dtype="int8", workers=2, threads=3, share=1.5)


def test_options_that_are_repeated_make_one_text() -> None:
    assert join_models(["en=demo,slots=2", "multi=demo-multilingual"]) == "en=demo,slots=2,multi=demo-multilingual"
    assert join_models(["/a,b/c.nemo"]) == "/a,b/c.nemo"
    with pytest.raises(ConfigError, match="each needs a name: NAME=demo"):
        join_models(["en=demo", "demo"])


def test_a_models_settings_replace_those_of_the_server() -> None:
    config = ServerConfig(model="en=demo,slots=2,multi=demo-multilingual,latency-ms=560", slots=8, device="cpu")
    en, multi = (model.config(config) for model in served_models(config))
    assert (en.model, en.slots, en.default_latency_ms, en.device) == ("demo", 2, None, "cpu")
    assert (multi.model, multi.slots, multi.default_latency_ms) == ("demo-multilingual", 8, 560)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("en=demo,en=demo-multilingual", "two models have the name 'en'"),
        ("en=demo,slots=0", "en: slots: expected 1 to 1000000, got '0'"),
        ("en=demo,slots=", "en: slots: expected 1 to"),
        ("en=demo,dtype=int4", "en: dtype: expected auto, float32"),
        ("en=demo,share=-1", "en: share: expected a number above 0"),
        ("en=demo,share=much", "en: share: expected a number above 0"),
        ("en=demo,device=", "en: device: expected auto, cpu"),
        ("en=demo,latency=560", None),
        ("en=demo,multi", "expected NAME=SOURCE, or one of slots, .*, got 'multi'"),
        ("en=demo,", "expected NAME=SOURCE"),
        ("en=", "expected NAME=SOURCE"),
        ("slots=4,en=demo", "has no model before it; slots is the name of a setting"),
        ("en=demo,m/x=demo", "expected NAME=SOURCE"),
        (",".join(f"m{number}=demo" for number in range(17)), "at most 16 models, got 17"),
    ],
)
def test_what_names_no_models_is_refused_in_words(text: str, problem: str | None) -> None:
    if problem is None:  # a slip that is the name of a model; its source says so when it is loaded
        assert parse_models(text)[1] == ServedModel("560", "latency")
        return
    with pytest.raises(ConfigError, match=problem):
        parse_models(text)
