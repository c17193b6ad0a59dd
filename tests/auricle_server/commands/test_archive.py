"""What `auricle archive` says before it needs Ray; whole runs are in `tests/auricle_server/archives/test_run.py`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import ray  # noqa: F401 - without it there is nothing but a refusal
from typer.testing import CliRunner, Result

from auricle_server.archives import local_ray
from auricle_server.archives.inputs.listing import Listing
from auricle_server.archives.progress import ArchiveProgress
from auricle_server.archives.run import ArchiveResult, Observer
from auricle_server.commands.app import app


def archive(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["archive", *map(str, arguments)])


def test_a_dry_run_prints_the_files_and_writes_nothing(tmp_path: Path) -> None:
    for name in ("b.wav", "a\nb.wav", "notes.txt"):
        (tmp_path / name).write_bytes(b"1")
    result = archive(tmp_path, tmp_path, tmp_path / "out", "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"{tmp_path}/a\\nb.wav", f"{tmp_path}/b.wav"]
    assert "2 files to transcribe" in result.stderr
    assert "2 named more than once" in result.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_to_do_needs_no_ray(tmp_path: Path) -> None:
    result = archive(tmp_path, tmp_path / "out")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "0 files to transcribe" in result.stderr
    assert (tmp_path / "out" / "archive.json").exists()
    other = archive(tmp_path, tmp_path / "out", "--language", "de")
    assert other.exit_code == 2
    assert "was begun with language None, not 'de'" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("/no/such", "out"), "/no/such: no such file or folder"),
        (("-", "out"), "standard input is no archive"),
        (("nonsense://a", "out"), "nonsense://a: fsspec cannot use it"),
        ((".", "out.parquet", "--format", "jsonl"), "ends in .parquet but --format says jsonl"),
        ((".", "out", "--channel", "left"), "'left' is no channel"),
        ((".", "out", "--workers", 0), "--workers"),
        ((".",), "OUT"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = archive(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert list(tmp_path.glob("out/transcripts/*")) == []


def test_without_ray_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_ray, "find_spec", lambda name: None if name == "ray" else name)
    result = archive(tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert "ray is not installed; in a checkout of Auricle, run: pip install '.[server,ray]'" in result.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int) -> None:
    def run(options: object, observer: Observer) -> ArchiveResult:
        observer.listed(Listing())
        observer.working("1 worker")
        os.kill(os.getpid(), number)
        assert observer.stop.wait(10)
        return ArchiveResult(ArchiveProgress(3, transcribed=1), failures=0, stopped=True)

    before = signal.getsignal(number)
    monkeypatch.setattr("auricle_server.archives.run.run_archive", run)
    result = archive(tmp_path, tmp_path / "out")
    assert result.exit_code == code
    assert "stopped; run the same command again to go on" in result.stderr
    assert signal.getsignal(number) is before
