"""A gzipped archive is unpacked once, and is then as quick as a plain one."""

from __future__ import annotations

import fcntl
import gzip
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from auricle_server.checkpoints import BadCheckpoint, load_checkpoint
from auricle_server.checkpoints.errors import UnpackFailed
from auricle_server.checkpoints.known.facts import facts
from auricle_server.checkpoints.nemo.members import CONFIG_NAME, archive_config
from auricle_server.checkpoints.nemo.unpacked_archive import find_unpacked, is_gzipped, unpack
from auricle_server.checkpoints.progress import silent
from tests.support.tones import CHECKPOINT

PADDING = 48_000_000
UNPACK = (
    "import sys\nfrom pathlib import Path\nfrom auricle_server.checkpoints.errors import UnpackFailed\n"
    "from auricle_server.checkpoints.nemo.unpacked_archive import unpack\n"
    "from auricle_server.checkpoints.progress import silent\n"
    "try: print(unpack(Path(sys.argv[1]), silent))\n"
    "except UnpackFailed as error: print(error)\n"
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    return tmp_path / "assets/auricle/nemo"


@pytest.fixture
def packed(tmp_path: Path, cache: Path) -> Path:
    """The two-tone checkpoint, gzipped."""
    path = tmp_path / "model.nemo"
    path.write_bytes(gzip.compress(CHECKPOINT.read_bytes(), 1))
    return path


@pytest.fixture
def large(tmp_path: Path, cache: Path) -> Path:
    """One that takes a while: it has random bytes, which do not compress, before the weights."""
    path = tmp_path / "large.nemo"
    with tarfile.open(CHECKPOINT) as plain, tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for member in sorted(plain.getmembers(), key=lambda member: not member.name.endswith(CONFIG_NAME)):
            if not member.name.endswith(CONFIG_NAME) and "padding.bin" not in archive.getnames():
                padding = tarfile.TarInfo("padding.bin")
                padding.size = PADDING
                archive.addfile(padding, io.BytesIO(os.urandom(PADDING)))
            archive.addfile(member, plain.extractfile(member))
    return path


def in_a_process(archive: Path, cache: Path, limit: int | None = None) -> subprocess.Popen[str]:
    """Unpacks in a process of its own, which can write files of at most `limit` bytes."""
    code = UNPACK
    if limit is not None:
        code = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n{UNPACK}"
    env = {**os.environ, "HF_ASSETS_CACHE": str(cache.parents[1])}
    return subprocess.Popen([sys.executable, "-c", code, str(archive)], env=env, stdout=subprocess.PIPE, text=True)


def test_it_loads_like_a_plain_one_and_its_weights_are_mapped_from_the_copy(packed: Path, cache: Path) -> None:
    plain, loaded = load_checkpoint(str(CHECKPOINT)), load_checkpoint(str(packed))
    assert loaded.pieces == plain.pieces
    assert all(torch.equal(loaded.weights[name], plain.weights[name]) for name in plain.weights)
    [copy] = cache.iterdir()
    assert copy == find_unpacked(packed)
    assert copy.read_bytes() == CHECKPOINT.read_bytes()
    assert str(copy) in Path("/proc/self/maps").read_text()


def test_from_the_second_time_on_nothing_is_decompressed(large: Path) -> None:
    load_checkpoint(str(large))
    began = time.process_time()
    with gzip.open(large) as stream:
        while stream.read(1 << 20):
            pass
    once = time.process_time() - began
    began = time.process_time()
    load_checkpoint(str(large), lambda *_: pytest.fail("it is unpacked again"))
    assert time.process_time() - began < once / 2


def test_the_configuration_alone_is_read_up_to_its_end_or_from_the_copy(large: Path) -> None:
    whole = large.read_bytes()
    large.write_bytes(whole[: len(whole) // 2])  # the configuration precedes the cut
    assert facts(large) == facts(CHECKPOINT)
    assert find_unpacked(large) is None
    large.write_bytes(whole)
    copy = unpack(large, silent)
    tarfile.open(copy, "w").close()
    with pytest.raises(BadCheckpoint, match=f"archive has no {CONFIG_NAME}"):
        archive_config(large)


def test_progress_is_reported_from_the_start_to_the_end(large: Path) -> None:
    reports: list[tuple[str, int, int]] = []
    load_checkpoint(str(large), lambda *report: reports.append(report))
    size = large.stat().st_size
    assert {(what, of) for what, _, of in reports} == {("unpacking large.nemo", size)}
    done = [each for _, each, _ in reports]
    assert done == sorted(done)
    assert done[-1] == size
    assert len(done) > 20


def test_another_process_is_waited_for(packed: Path, cache: Path) -> None:
    """The file is unpacked once: here by the test, which holds the lock as a process that unpacks does."""
    copy = unpack(packed, silent)
    part = copy.with_suffix(".part")
    copy.rename(part)
    found: list[Path] = []
    reports: list[tuple[str, int, int]] = []
    waiting = threading.Thread(target=lambda: found.append(unpack(packed, lambda *report: reports.append(report))))
    with part.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        waiting.start()
        while not reports:
            time.sleep(0.01)
        assert not found
        stream.write(b"by the test")
        part.rename(copy)
    waiting.join(20)
    assert found == [copy]
    assert copy.read_bytes().endswith(b"by the test")
    assert reports[0] == ("model.nemo", CHECKPOINT.stat().st_size, CHECKPOINT.stat().st_size)


def test_two_processes_at_once_make_one_copy(large: Path, cache: Path) -> None:
    processes = [in_a_process(large, cache) for _ in range(2)]
    said = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert said == {str(find_unpacked(large))}
    assert [path.suffix for path in cache.iterdir()] == [".nemo"]
    with gzip.open(large) as stream:
        assert Path(said.pop()).read_bytes() == stream.read()


def test_what_a_killed_process_has_left_is_overwritten(packed: Path, cache: Path) -> None:
    copy = unpack(packed, silent)
    copy.rename(copy.with_suffix(".part"))
    copy.with_suffix(".part").write_bytes(b"half" * 10_000_000)
    assert unpack(packed, silent).read_bytes() == CHECKPOINT.read_bytes()
    assert list(cache.iterdir()) == [copy]


def test_another_file_at_the_path_is_unpacked_anew_and_the_old_copy_goes(packed: Path, cache: Path) -> None:
    old = unpack(packed, silent)
    packed.write_bytes(gzip.compress(CHECKPOINT.read_bytes() + bytes(10_240)))
    assert find_unpacked(packed) is None
    new = unpack(packed, silent)
    assert new != old
    assert list(cache.iterdir()) == [new]
    os.utime(packed, (1, 1))  # of the same size, but changed at another time
    assert find_unpacked(packed) is None


def test_a_disk_that_becomes_full_is_said_and_left_as_it_was(large: Path, cache: Path) -> None:
    """A limit on the size of files stands for the disk: a write beyond it fails in the same way."""
    process = in_a_process(large, cache, limit=10_000_000)
    said = process.communicate(timeout=60)[0]
    assert f"{large} is gzipped and cannot be unpacked to {cache}: File too large" in said
    assert "set HF_ASSETS_CACHE to another folder" in said
    assert sum(path.stat().st_size for path in cache.iterdir()) < 100_000
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10_000_000


def test_a_disk_without_room_is_noticed_before_it_is_full(
    packed: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(packed)._replace(free=1_000_000)  # no disk of this machine is that small
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UnpackFailed, match=r"MB are needed and 1 MB free\. Free some space"):
        unpack(packed, silent)
    assert sum(path.stat().st_size for path in cache.iterdir()) == 0


def test_a_cache_that_cannot_be_written_to_is_named(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "file"))
    with pytest.raises(UnpackFailed, match=r"cannot be unpacked to .*: Not a directory\. .*HF_ASSETS_CACHE"):
        load_checkpoint(str(packed))


@pytest.mark.parametrize("damage", ["cut", "spoiled"])
def test_a_damaged_archive_leaves_no_copy(packed: Path, cache: Path, damage: str) -> None:
    content = packed.read_bytes()
    middle = len(content) // 2
    packed.write_bytes(content[:middle] + (b"" if damage == "cut" else b"\0" * 64 + content[middle + 64 :]))
    with pytest.raises(BadCheckpoint, match=r"model\.nemo is not a readable \.nemo archive .* cut short"):
        load_checkpoint(str(packed))
    assert find_unpacked(packed) is None


def test_only_gzipped_files_are(packed: Path) -> None:
    assert is_gzipped(packed)
    assert not is_gzipped(CHECKPOINT)
