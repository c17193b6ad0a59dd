"""`auricle pull` and `auricle models`, with a hub of our own on loopback that misbehaves when asked to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.known_models import KNOWN_MODELS, facts
from tests.support.hub import COMMIT, Hub, serving
from tests.support.tones import CHECKPOINT
from tests.support.transformers_folder import write_folder

REPO = KNOWN_MODELS[0].id
FILE = "model.nemo"
CONTENT = CHECKPOINT.read_bytes()


@pytest.fixture(scope="module")
def safetensors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = write_folder(load_checkpoint(str(CHECKPOINT)), tmp_path_factory.mktemp("safetensors"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(safetensors: dict[str, bytes]) -> Iterator[Hub]:
    files = {"README.md": b"a card", FILE: CONTENT, **safetensors}
    with serving(Hub(REPO, files)) as hub:
        yield hub


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def auricle(
    hub: Hub | None, home: Path, *arguments: str, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    endpoint = hub.address if hub else "http://127.0.0.1:9"
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "COLUMNS": "200", **environment}
    done = subprocess.run(
        [sys.executable, "-m", "auricle_server", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def listed(home: Path, name: str) -> dict[str, Any]:
    entries = json.loads(auricle(None, home, "models", "--json").stdout)
    return next(entry for entry in entries if entry["name"] == name)


def blobs(home: Path) -> list[Path]:
    return sorted(home.glob("hub/models--*/blobs/*"))


def test_it_brings_the_nemo_file_into_the_hubs_cache_and_prints_where(hub: Hub, home: Path) -> None:
    done = auricle(hub, home, "pull", REPO)
    path = Path(done.stdout.strip())
    assert path.read_bytes() == CONTENT
    assert COMMIT[:8] in done.stderr
    assert "checksums agree" in done.stderr
    assert len(hub.downloads) == 1
    from huggingface_hub import scan_cache_dir, try_to_load_from_cache

    cache = home / "hub"
    assert try_to_load_from_cache(REPO, FILE, cache_dir=cache) == str(path)
    scanned = scan_cache_dir(cache)
    assert [(repo.repo_id, repo.size_on_disk) for repo in scanned.repos] == [(REPO, len(CONTENT))]
    assert not scanned.warnings


def test_what_is_here_is_compared_and_not_brought_again(hub: Hub, home: Path) -> None:
    auricle(hub, home, "pull", REPO)
    assert "was in the cache" in auricle(hub, home, "pull", f"https://huggingface.co/{REPO}").stderr
    assert len(hub.downloads) == 1


def test_an_interrupted_download_goes_on_where_it_stopped(hub: Hub, home: Path) -> None:
    hub.cuts = [300_000, 0, 0, 0, 0, 0]
    said = auricle(hub, home, "pull", REPO, code=1).stderr
    assert "was cut off at 0 of 1 MB" in said
    assert "goes on from there" in said
    assert [path.stat().st_size for path in blobs(home)] == [300_000]
    assert listed(home, REPO)["here"] is None
    auricle(hub, home, "pull", REPO)
    assert hub.downloads[-1] == "bytes=300000-"
    assert blobs(home)[0].read_bytes() == CONTENT


def test_within_one_call_it_tries_again_as_long_as_something_comes(hub: Hub, home: Path) -> None:
    hub.cuts = [200_000, 300_000, 0, 400_000]
    assert Path(auricle(hub, home, "pull", REPO).stdout.strip()).read_bytes() == CONTENT
    assert hub.downloads == [None, "bytes=200000-", "bytes=500000-", "bytes=500000-", "bytes=900000-"]


def test_a_hub_that_knows_no_ranges_sends_all_of_it_again(hub: Hub, home: Path) -> None:
    hub.cuts, hub.ranges = [200_000], False
    assert Path(auricle(hub, home, "pull", REPO).stdout.strip()).read_bytes() == CONTENT


def test_a_file_that_comes_damaged_is_not_kept(hub: Hub, home: Path) -> None:
    hub.spoiled = {FILE}
    assert "came damaged" in auricle(hub, home, "pull", REPO, code=1).stderr
    assert blobs(home) == []
    hub.spoiled = set()
    auricle(hub, home, "pull", REPO)


def test_a_copy_that_was_damaged_later_is_brought_again(hub: Hub, home: Path) -> None:
    path = Path(auricle(hub, home, "pull", REPO).stdout.strip())
    path.write_bytes(CONTENT[:-1] + b"!")
    assert "downloaded in" in auricle(hub, home, "pull", REPO).stderr
    assert path.read_bytes() == CONTENT


def test_the_other_format_on_demand(hub: Hub, home: Path, safetensors: dict[str, bytes]) -> None:
    folder = Path(auricle(hub, home, "pull", REPO, "--format", "safetensors").stdout.strip())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == safetensors
    assert len(load_checkpoint(str(folder)).pieces) == 64
    del hub.files[FILE]
    said = auricle(hub, home, "pull", REPO, "--format", "nemo", code=1).stderr
    assert "has no .nemo file" in said
    hub.files = {"README.md": b"a card"}
    assert "no .nemo file and no model.safetensors" in auricle(hub, home, "pull", REPO, code=1).stderr


def test_a_revision(hub: Hub, home: Path) -> None:
    path = Path(auricle(hub, home, "pull", REPO, "--revision", COMMIT).stdout.strip())
    assert path.parent.name == COMMIT
    assert "has no revision 'v9'" in auricle(hub, home, "pull", f"{REPO}@v9", code=1).stderr
    assert "names revision v9" in auricle(hub, home, "pull", f"{REPO}@v9", "--revision", "v8", code=2).stderr


def test_a_licence_that_is_not_accepted(hub: Hub, home: Path) -> None:
    hub.gated = True
    assert "asks for a licence to be accepted" in auricle(hub, home, "pull", REPO, code=1).stderr


def test_no_room(hub: Hub, home: Path) -> None:
    hub.claimed[FILE] = 10**15
    said = auricle(hub, home, "pull", REPO, code=1).stderr
    assert "no room for model.nemo: 1000000000 MB" in said
    assert "HF_HOME" in said


@pytest.mark.parametrize("offline", ["0", "1"])
def test_no_hub(hub: Hub, home: Path, offline: str) -> None:
    assert "cannot be reached" in auricle(None, home, "pull", REPO, code=1, HF_HUB_OFFLINE=offline).stderr
    path = auricle(hub, home, "pull", REPO).stdout.strip()
    assert path in auricle(None, home, "pull", REPO, code=1, HF_HUB_OFFLINE=offline).stderr.replace("\n", "")


def test_what_is_no_id(home: Path) -> None:
    assert "neither a model id" in auricle(None, home, "pull", "model", code=2).stderr


def test_models_lists_what_is_known_and_what_is_here(hub: Hub, home: Path) -> None:
    demo = listed(home, "demo")
    assert (demo["bundled"], demo["licence"], demo["latencies_ms"]) == (True, "Apache-2.0", [80, 160, 560, 1120])
    assert Path(demo["here"]["path"]).stat().st_size == demo["here"]["size"]
    assert listed(home, REPO)["here"] is None
    path = auricle(hub, home, "pull", REPO).stdout.strip()
    here = listed(home, REPO)["here"]
    assert here == {"path": path, "size": len(CONTENT), "revision": COMMIT, "trouble": ""}
    table = auricle(None, home, "models").stdout
    assert all(known.id in table and known.licence in table for known in KNOWN_MODELS)
    assert COMMIT[:8] in table


def test_models_says_what_speaks_against_a_copy(hub: Hub, home: Path) -> None:
    hub.files = {FILE: b"not an archive at all"}
    auricle(hub, home, "pull", REPO)
    assert "not a readable .nemo archive" in listed(home, REPO)["here"]["trouble"]
    assert "not a readable .nemo archive" in auricle(None, home, "models").stdout


def test_a_copys_own_configuration_counts(tmp_path: Path, safetensors: dict[str, bytes]) -> None:
    for name, content in safetensors.items():
        (tmp_path / name).write_bytes(content)
    assert facts(tmp_path) == facts(CHECKPOINT)


def test_models_starts_without_a_tensor_library(home: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from auricle_server.commands.app import app; "
        "assert CliRunner().invoke(app, ['models', '--json']).exit_code == 0; print('torch' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == "False"
