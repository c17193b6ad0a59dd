"""The list of models, and what the model does not do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from multidict import MultiDict

from auricle_server.gateway.dialects.openai_files.questions import ModelsEndpoint, TranslationsEndpoint
from auricle_server.gateway.errors import BadRequest, UnknownModel
from auricle_server.gateway.session.file_endpoint import Question
from auricle_server.model_info import ModelInfo

MODEL = ModelInfo("demo", ("a",), (80, 160), 160, ("en-US",), "en-US", 0.08, 4, source="demo")


def asked(model: ModelInfo, *others: ModelInfo, **parts: str) -> Question:
    return Question(parts, MultiDict(), model, [model, *others], secret=str)


def test_the_one_model_is_listed() -> None:
    listed = json.loads(ModelsEndpoint().answer(asked(MODEL)).body)
    assert listed == {
        "object": "list",
        "data": [
            {
                "id": "demo",
                "object": "model",
                "created": 0,
                "owned_by": "auricle",
                "source": "demo",
                "languages": ["en-US"],
                "default_language": "en-US",
                "latencies_ms": [80, 160],
                "default_latency_ms": 160,
            }
        ],
    }


def test_several_models_are_listed_and_found_by_their_names() -> None:
    multi = replace(MODEL, name="multi", source="nvidia/multi", languages=("en-US", "de-DE"))
    endpoint = ModelsEndpoint()
    listed = json.loads(endpoint.answer(asked(MODEL, multi)).body)["data"]
    assert [(each["id"], each["languages"]) for each in listed] == [("demo", ["en-US"]), ("multi", ["en-US", "de-DE"])]
    for name, expected in (("multi", "multi"), ("nvidia/multi", "multi"), ("whisper-1", "demo"), ("demo", "demo")):
        assert json.loads(endpoint.answer(asked(MODEL, multi, id=name)).body)["id"] == expected
    with pytest.raises(UnknownModel, match="this server has demo, multi, not 'mult'"):
        endpoint.answer(asked(MODEL, multi, id="mult"))


def test_every_name_stands_for_it() -> None:
    model = replace(MODEL, name="nvidia/parakeet", source="nvidia/parakeet")
    described = json.loads(ModelsEndpoint().answer(asked(model, id="whisper-1")).body)
    assert (described["id"], described["owned_by"]) == ("nvidia/parakeet", "nvidia")


def test_translations_are_refused_in_words() -> None:
    with pytest.raises(BadRequest, match="does not translate; use /v1/audio/transcriptions"):
        TranslationsEndpoint().answer(asked(MODEL))
