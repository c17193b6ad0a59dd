"""The real models, and speech in which the turns' places are known."""

from __future__ import annotations

import pytest

from auricle_server.bench.clips import BenchClip, load_clips
from auricle_server.voice.models import LoadedModels, find_models, load_models


@pytest.fixture(scope="session")
def models() -> LoadedModels:
    return load_models(find_models())


@pytest.fixture(scope="session")
def clips() -> tuple[BenchClip, ...]:
    return load_clips()
