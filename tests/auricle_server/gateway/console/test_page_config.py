"""What the page is told of the server."""

from __future__ import annotations

import json

import auricle
from auricle_server.gateway.console.page_config import page_config
from tests.auricle_server.gateway.leases import INFO


def test_the_model_and_what_it_offers_are_told() -> None:
    config = page_config(INFO, ("words", "voice"), status="ready", keys_required=True, demo={"command": "x"})
    told = json.loads(json.dumps(config))
    assert told["version"] == auricle.__version__
    assert (told["status"], told["keys_required"], told["demo"]) == ("ready", True, {"command": "x"})
    assert told["turn_modes"] == ["off", "silence", "semantic"]
    assert told["turn_signals"] == ["words", "voice"]
    assert told["model"]["name"] == INFO.name
    assert told["model"]["latencies_ms"] == list(INFO.latencies_ms)
    assert told["model"]["languages"] == list(INFO.languages)


def test_a_server_without_a_model_says_so() -> None:
    config = page_config(None, (), status="loading", keys_required=False, demo=None)
    assert (config["status"], config["model"]) == ("loading", None)
