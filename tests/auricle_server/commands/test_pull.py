"""`auricle pull`, with a hub on loopback that can fail in many ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.known.facts import facts
from tests.support.hub import COMMIT, CONTENT, FILE, REPO, Hub, auricle, listed
from tests.support.tones import CHECKPOINT

NOT_NEEDED = {"generation_config.json", "tokenizer_config.json"}
"""What `transformers` writes beside the files that Auricle reads."""


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


def test_a_short_name_is_pulled_and_its_progress_shown_without_a_terminal(hub: Hub, home: Path) -> None:
    done = auricle(hub, home, "pull", "nemotron-en")
    assert Path(done.stdout.strip()).read_bytes() == CONTENT
    assert f"{REPO} at {COMMIT[:8]}" in done.stderr
    first, *_ = done.stderr.splitlines()
    assert first.startswith(f"{FILE}: 0 of ")
    assert listed(home, REPO)["short_name"] == "nemotron-en"
    assert "or nemotron-en" in auricle(None, home, "models").stdout


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


def test_safetensors_precede_a_nemo_file_which_comes_on_demand(
    hub: Hub, home: Path, safetensors: dict[str, bytes]
) -> None:
    hub.files |= safetensors
    folder = Path(auricle(hub, home, "pull", REPO).stdout.strip())
    brought = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert brought == {name: content for name, content in safetensors.items() if name not in NOT_NEEDED}
    assert len(load_checkpoint(str(folder)).pieces) == 64
    assert Path(auricle(hub, home, "pull", REPO, "--format", "nemo").stdout.strip()).read_bytes() == CONTENT
    assert Path(listed(home, REPO)["here"]["path"]) == folder
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
    assert "nemotron-en or nemotron-3.5" in auricle(None, home, "pull", "model", code=2).stderr


def test_a_copys_own_configuration_counts(tmp_path: Path, safetensors: dict[str, bytes]) -> None:
    for name, content in safetensors.items():
        (tmp_path / name).write_bytes(content)
    assert facts(tmp_path) == facts(CHECKPOINT)
