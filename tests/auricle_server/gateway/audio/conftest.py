"""The turn models, a clip for them, and time enough for them to answer."""

from __future__ import annotations

import pytest

from auricle_server.bench.clips import BenchClip, load_clips
from auricle_server.gateway.audio import audio_turn_signals as module
from auricle_server.voice.models import ModelFiles, find_models, load_models


@pytest.fixture(scope="module")
def found() -> ModelFiles:
    """Both models, loaded: their loading must not be what is late."""
    found = find_models()
    load_models(found)
    return found


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """How busy this machine is must not decide; a test of lateness sets its own."""
    monkeypatch.setattr(module, "LATE_SECONDS", 60.0)


@pytest.fixture(scope="module")
def clip() -> BenchClip:
    return load_clips()[0]
