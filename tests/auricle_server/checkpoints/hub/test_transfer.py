"""One file over HTTP, from a hub on loopback that can fail: what has arrived is kept, what is damaged is not."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from auricle_server.checkpoints.errors import DownloadFailed
from auricle_server.checkpoints.hub import transfer as module
from auricle_server.checkpoints.hub.transfer import ATTEMPTS, RemoteFile, transfer
from tests.support.hub import COMMIT, Hub, git_digest, serving

NAME = "model.bin"
CONTENT = bytes(range(256)) * 400
LARGE = RemoteFile(NAME, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), git_digest(CONTENT))
Progress = list[tuple[str, int, int]]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(module, "PAUSE", 0.0)
    with serving(Hub("acme/model", {NAME: CONTENT})) as hub:
        yield hub


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    return tmp_path / "blobs" / LARGE.digest


def bring(hub: Hub, blob: Path, file: RemoteFile = LARGE) -> Progress:
    """Downloads; the progress that was reported."""
    progress: Progress = []
    address = f"{hub.address}/{hub.repo}/resolve/{COMMIT}/{NAME}"
    transfer(file, address, blob, lambda *report: progress.append(report))
    return progress


def part(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.part")


def test_a_file_is_known_by_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(CONTENT)
    small = RemoteFile(NAME, len(CONTENT), None, git_digest(CONTENT))
    assert (LARGE.digest, small.digest, RemoteFile(NAME, 1, None, None).digest) == (LARGE.sha256, small.git, "")
    assert LARGE.matches(path)
    assert small.matches(path)
    path.write_bytes(CONTENT[:-1] + b"!")
    assert not LARGE.matches(path)
    assert not small.matches(path)


def test_a_download_is_complete_and_says_how_far_it_is(hub: Hub, blob: Path) -> None:
    progress = bring(hub, blob)
    assert blob.read_bytes() == CONTENT
    assert [path.name for path in blob.parent.iterdir()] == [blob.name]
    assert {(name, size) for name, _, size in progress} == {(NAME, len(CONTENT))}
    received = [here for _, here, _ in progress]
    assert received == sorted(received)
    assert received[-1] == len(CONTENT)


def test_a_broken_connection_is_resumed_where_it_broke(hub: Hub, blob: Path) -> None:
    hub.cuts = [30_000, 0, 20_000]
    bring(hub, blob)
    assert blob.read_bytes() == CONTENT
    assert hub.downloads == [None, "bytes=30000-", "bytes=30000-", "bytes=50000-"]


def test_an_attempt_that_brings_something_restarts_the_count(hub: Hub, blob: Path) -> None:
    hub.cuts = [10_000, *[0] * (ATTEMPTS - 1), 20_000, *[0] * (ATTEMPTS - 1)]
    bring(hub, blob)
    assert blob.read_bytes() == CONTENT


def test_after_several_attempts_without_a_byte_the_part_is_kept_for_the_next_call(hub: Hub, blob: Path) -> None:
    hub.cuts = [30_000, *[0] * ATTEMPTS]
    with pytest.raises(DownloadFailed, match=r"model\.bin was cut off at 0 of 0 MB .*The part is kept"):
        bring(hub, blob)
    assert (blob.exists(), part(blob).stat().st_size) == (False, 30_000)
    assert len(hub.downloads) == 1 + ATTEMPTS
    bring(hub, blob)
    assert hub.downloads[-1] == "bytes=30000-"
    assert blob.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_the_whole_file_again(hub: Hub, blob: Path) -> None:
    hub.cuts, hub.ranges = [30_000], False
    bring(hub, blob)
    assert blob.read_bytes() == CONTENT


@pytest.mark.parametrize("here", [CONTENT + b"more", b"?" * len(CONTENT)])
def test_a_part_that_belongs_to_another_file_is_not_the_result(hub: Hub, blob: Path, here: bytes) -> None:
    blob.parent.mkdir()
    part(blob).write_bytes(here)
    if len(here) == len(CONTENT):
        with pytest.raises(DownloadFailed, match="came damaged"):
            bring(hub, blob)
    bring(hub, blob)
    assert blob.read_bytes() == CONTENT


def test_a_damaged_file_is_deleted(hub: Hub, blob: Path) -> None:
    hub.spoiled = {NAME}
    with pytest.raises(DownloadFailed, match=rf"model\.bin came damaged: .*{LARGE.digest[:12]}"):
        bring(hub, blob)
    assert list(blob.parent.iterdir()) == []


def test_what_another_process_has_completed_is_not_downloaded_again(hub: Hub, blob: Path) -> None:
    blob.parent.mkdir()
    blob.write_bytes(b"complete")
    assert bring(hub, blob) == []
    assert hub.downloads == []


def test_a_file_for_which_the_disk_has_no_space_is_not_begun(hub: Hub, blob: Path) -> None:
    free = shutil.disk_usage("/").total * 1000
    with pytest.raises(DownloadFailed, match=r"are free at .*set HF_HOME to another folder"):
        bring(hub, blob, RemoteFile(NAME, free, LARGE.sha256, None))
    assert hub.downloads == []


def test_a_refusal_of_the_hub_is_not_tried_again(hub: Hub, blob: Path) -> None:
    hub.gated = True
    with pytest.raises(OSError, match="403"):
        bring(hub, blob)
    assert len(hub.downloads) == 1
