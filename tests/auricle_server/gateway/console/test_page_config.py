"""What the page is told of the server."""

from __future__ import annotations

import json
from dataclasses import replace

import auricle
from auricle_server.gateway.console.page_config import page_config
from auricle_server.model_info import DemoHint
from tests.auricle_server.gateway.leases import INFO


def test_the_model_and_what_it_offers_are_told() -> None:
    config = page_config([INFO], ("words", "voice"), status="ready", keys_required=True)
    told = json.loads(json.dumps(config))
    assert told["version"] == auricle.__version__
    assert (told["status"], told["keys_required"], told["demo"]) == ("ready", True, None)
    assert told["turn_modes"] == ["off", "silence", "semantic"]
    assert told["turn_signals"] == ["words", "voice"]
    assert told["model"]["name"] == INFO.name
    assert told["model"]["latencies_ms"] == list(INFO.latencies_ms)
    assert told["model"]["languages"] == list(INFO.languages)


def test_several_models_are_told_with_the_default_first() -> None:
    told = page_config([INFO, replace(INFO, name="multi")], (), status="ready", keys_required=False)
    assert [model["name"] for model in told["models"]] == [INFO.name, "multi"]
    assert told["model"] == told["models"][0]


def test_a_bundled_model_says_what_peoples_speech_needs() -> None:
    hint = DemoHint("demo", "owner/model", "auricle serve --model x", 2, 3, 4, 5, "int8", "cpu", 6)
    told = page_config([replace(INFO, demo=hint)], (), status="ready", keys_required=False)["demo"]
    assert (told["command"], told["streams"], told["sentence"]) == ("auricle serve --model x", 6, hint.sentence)


def test_a_server_without_a_model_says_so() -> None:
    config = page_config([], (), status="loading", keys_required=False)
    assert (config["status"], config["model"]) == ("loading", None)
