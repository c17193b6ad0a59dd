"""Loading by hub id, against a hub of our own on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auricle_server.bench.models.transformers_writer import write_folder
from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.hub.cache import Repository, parse
from tests.support.hub import COMMIT, Hub, serving
from tests.support.tones import CHECKPOINT

REPO, FILE = "acme/two-tones", "two-tones.nemo"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(REPO, {"README.md": b"two tones", FILE: CHECKPOINT.read_bytes()})) as hub:
        yield hub


def load(name: str, endpoint: str, cache: Path, **environment: str) -> str:
    """Loads in a process of its own, for the hub's address is read once, at import; prints what became of it."""
    code = (
        "import sys\n"
        "from auricle_server.checkpoints import CheckpointError, load_checkpoint\n"
        "try: print('pieces', len(load_checkpoint(sys.argv[1]).pieces))\n"
        "except CheckpointError as error: print(type(error).__name__, error)\n"
    )
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(cache), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code, name], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_hub_id_is_downloaded_and_then_found_in_the_cache(hub: Hub, tmp_path: Path) -> None:
    assert load(REPO, hub.address, tmp_path) == "pieces 64"
    assert load(REPO, NOWHERE, tmp_path) == "pieces 64"
    assert load(REPO, NOWHERE, tmp_path, HF_HUB_OFFLINE="1") == "pieces 64"
    assert len(hub.downloads) == 1


def test_a_repository_of_safetensors_loads_in_any_number_of_files(tmp_path: Path) -> None:
    folder = write_folder(load_checkpoint(str(CHECKPOINT)), tmp_path / "model", shards=3)
    with serving(Hub(REPO, {path.name: path.read_bytes() for path in folder.iterdir()})) as hub:
        assert load(REPO, hub.address, tmp_path / "cache") == "pieces 64"
    assert load(REPO, NOWHERE, tmp_path / "cache") == "pieces 64"


def test_half_a_copy_is_no_copy(tmp_path: Path) -> None:
    folder = write_folder(load_checkpoint(str(CHECKPOINT)), tmp_path / "model", shards=2)
    with serving(Hub(REPO, {path.name: path.read_bytes() for path in folder.iterdir()})) as hub:
        load(REPO, hub.address, tmp_path / "cache")
        snapshot = tmp_path / f"cache/hub/models--acme--two-tones/snapshots/{COMMIT}"
        (snapshot / "model-00002-of-00002.safetensors").resolve().unlink()
        assert load(REPO, NOWHERE, tmp_path / "cache").startswith(
            f"CheckpointNotFound {REPO} is not in the local cache"
        )
        assert load(REPO, hub.address, tmp_path / "cache") == "pieces 64"


def test_safetensors_precede_a_nemo_file_once_they_are_complete(tmp_path: Path) -> None:
    folder = write_folder(load_checkpoint(str(CHECKPOINT)), tmp_path / "model")
    snapshot = tmp_path / f"cache/hub/models--acme--two-tones/snapshots/{COMMIT}"
    shutil.copytree(folder, snapshot)
    (snapshot / FILE).write_bytes(b"is not read")
    assert load(f"{REPO}@{COMMIT}", NOWHERE, tmp_path / "cache") == "pieces 64"
    (snapshot / FILE).write_bytes(CHECKPOINT.read_bytes())
    (snapshot / "model.safetensors").write_bytes(b"is not read")
    for name in ("tokenizer.json", "processor_config.json", "config.json"):
        (snapshot / name).unlink()  # in the reverse order of a download
        assert load(f"{REPO}@{COMMIT}", NOWHERE, tmp_path / "cache") == "pieces 64"


def test_a_commit_may_be_named(hub: Hub, tmp_path: Path) -> None:
    assert load(f"{REPO}@{COMMIT}", hub.address, tmp_path) == "pieces 64"
    assert load(f"{REPO}@{COMMIT}", NOWHERE, tmp_path) == "pieces 64"
    assert "has no revision 'v2'" in load(f"{REPO}@v2", hub.address, tmp_path)


def test_an_unknown_repository_is_named(hub: Hub, tmp_path: Path) -> None:
    assert load("acme/nothing", hub.address, tmp_path).startswith("CheckpointNotFound acme/nothing: no such model")


@pytest.mark.parametrize("offline", ["0", "1"])
def test_without_hub_and_cache_it_says_what_is_missing_and_how_to_get_it(tmp_path: Path, offline: str) -> None:
    said = load("nvidia/nemotron-speech-streaming-en-0.6b", NOWHERE, tmp_path, HF_HUB_OFFLINE=offline)
    assert said.startswith("CheckpointNotFound nvidia/nemotron-speech-streaming-en-0.6b is not in the local cache")
    assert "auricle pull nvidia/nemotron-speech-streaming-en-0.6b" in said
    assert "--model demo" in said


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("acme/model", Repository("acme/model")),
        ("acme/model@v1.0", Repository("acme/model", "v1.0")),
        ("https://huggingface.co/acme/model", Repository("acme/model")),
        ("https://hf.co/acme/model/", Repository("acme/model")),
        ("https://huggingface.co/acme/model/tree/next", Repository("acme/model", "next")),
        ("https://huggingface.co/acme/model/resolve/main/model.nemo?download=true", Repository("acme/model")),
        ("https://example.org/acme/model", None),
        ("https://huggingface.co/acme", None),
        ("model", None),
        ("a/b/c", None),
        ("../model", None),
    ],
)
def test_names_and_addresses(name: str, found: Repository | None) -> None:
    assert parse(name) == found
