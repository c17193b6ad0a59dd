"""What a server with a bundled model says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from auricle_server.checkpoints.hub.cache import parse
from auricle_server.checkpoints.known.bundled import BUNDLED
from auricle_server.worker.demo_hint import demo_hint
from tests.support.tones import CHECKPOINT


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_names_the_one_for_peoples_speech(name: str) -> None:
    hint = demo_hint(name)
    assert hint is not None
    repository = parse(hint.command.removeprefix("auricle serve --model "))
    assert repository is not None
    assert repository.id == hint.published
    assert ("3.5" in hint.published) == (name == "demo-multilingual")
    assert 2e9 < hint.download_bytes < 3e9
    assert hint.weights_bytes > 5e8
    for part in (name, hint.command, "GB", hint.precision, f"on {hint.device}", "auricle doctor"):
        assert part in hint.sentence
    if not torch.cuda.is_available():
        assert (hint.streams > 0) == (hint.free_bytes > hint.weights_bytes + hint.stream_bytes)


@pytest.mark.parametrize("name", [str(CHECKPOINT), "nemotron-en", "owner/demo", "./demo"])
def test_other_models_say_nothing(name: str) -> None:
    assert demo_hint(name) is None


def test_a_machine_that_is_too_small_is_told_so() -> None:
    hint = demo_hint("demo")
    assert hint is not None
    assert "too little" in replace(hint, streams=0).sentence
    assert "it holds 7 streams" in replace(hint, streams=7).sentence
