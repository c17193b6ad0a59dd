"""A model hub on loopback, and an empty cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auricle_server.bench.models.transformers_writer import write_folder
from auricle_server.checkpoints import load_checkpoint
from tests.support.hub import CONTENT, FILE, REPO, Hub, serving
from tests.support.tones import CHECKPOINT


@pytest.fixture(scope="module")
def safetensors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = write_folder(load_checkpoint(str(CHECKPOINT)), tmp_path_factory.mktemp("safetensors"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(REPO, {"README.md": b"a card", FILE: CONTENT})) as hub:
        yield hub


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
