"""Whole runs on a real Ray, with processes that are killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support import tones
from tests.support.servers.ray_runs import (
    SECONDS,
    SharedRay,
    archive,
    commands,
    descendants,
    listening,
    opened,
    running,
    table,
    wait_until,
)

# A start of Ray takes half a minute on a busy machine, and each run starts a model.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray"), pytest.mark.timeout(900)]

PCM, TEXT = tones.utterance(5, 12)
LONG = 16
"""Recordings of the tests that interrupt a run."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of about half a minute, so that each takes some time."""
    folder = tmp_path_factory.mktemp("calls")
    for number in range(LONG):
        pcm = np.concatenate([np.append(tones.utterance(number * 9 + part, 9)[0], PCM[:8000]) for part in range(5)])
        soundfile.write(folder / f"{number:02}.wav", pcm, 16_000)
    return folder


def sources(out: Path) -> Counter[str]:
    return Counter(Path(row["source"]).name for row in table(out))


ALL = Counter(f"{number:02}.wav" for number in range(LONG))


def test_words_are_those_of_transcribe_and_failures_have_reasons(ray: SharedRay, tmp_path: Path) -> None:
    folder = tmp_path / "audio"
    folder.mkdir()
    soundfile.write(folder / "mono.wav", PCM, 16_000)
    soundfile.write(folder / "line\nbreak 話.flac", np.stack([PCM, PCM // 2], axis=1), 16_000)
    soundfile.write(folder / "-48k.ogg", np.repeat(PCM, 3), 48_000)
    soundfile.write(folder / "silence.wav", np.zeros(8000), 16_000)
    whole = (folder / "mono.wav").read_bytes()
    (folder / "text.wav").write_text("I am no audio.")
    (folder / "nothing.wav").write_bytes(b"")
    (folder / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    rows = [
        {"path": "audio/mono.wav", "id": "again"},
        {"path": "audio/mono.wav", "channel": 2},
        {"path": "audio/line\nbreak 話.flac", "channel": "split", "id": "call 7"},
        {"path": "memory://none/in/a/worker.wav"},
        {"path": "audio/mono.wav", "channel": 1, "language": "xx"},
    ]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "out"
    done = archive(folder, tmp_path / "more.jsonl", out, address=ray.address)
    assert done.returncode == 1, done.stderr
    assert "1 named more than once" in done.stderr
    failures = {(Path(row["source"]).name, row["requested_channel"]): row["reason"] for row in table(out, "failures")}
    assert {name: reason.partition(":")[0] for name, reason in failures.items()} == {
        ("text.wav", "mix"): "not audio that libsndfile reads",
        ("nothing.wav", "mix"): "the file is empty",
        ("nowhere.wav", "mix"): "no such file",
        ("worker.wav", "mix"): "no such file",
        ("mono.wav", "2"): "there is no channel 2",
        ("mono.wav", "1"): failures["mono.wav", "1"].partition(":")[0],
    }
    assert "xx" in failures["mono.wav", "1"]
    found = {(Path(row["source"]).name, row["channel"]): row for row in table(out)}
    assert len(found) == len(table(out)) == 6
    assert [found["line\nbreak 話.flac", channel]["id"] for channel in (1, 2)] == ["call 7"] * 2
    assert found["mono.wav", None]["text"] == TEXT
    assert found["mono.wav", None]["size"] == len(whole)

    command = [
        sys.executable,
        "-m",
        "auricle_server",
        "transcribe",
        "--format",
        "json",
        "--model",
        str(tones.CHECKPOINT),
    ]
    names = ["mono.wav", "line\nbreak 話.flac", "-48k.ogg", "silence.wav"]
    said = subprocess.run(
        [*command, *(str(folder / name) for name in names)], check=True, stdout=subprocess.PIPE, text=True
    )
    for name, line in zip(names, said.stdout.splitlines(), strict=True):
        expected, row = json.loads(line), found[name, None]
        assert row["words"] == [word for segment in expected["segments"] for word in segment["words"]], name
        assert [row[field] for field in ("text", "model", "latency_ms", "duration")] == [
            expected[field] for field in ("text", "model", "latency_ms", "duration")
        ]

    (folder / "text.wav").write_bytes(whole)
    (folder / "later.wav").write_bytes(whole)
    dry = archive(folder, out, "--dry-run")
    assert dry.stdout.split() == [str(folder / "later.wav")]
    again = archive(folder, out, "--retry-failed", "--part-seconds", 0, address=ray.address)
    assert "4 files to transcribe" in again.stderr
    assert again.returncode == 1
    assert Counter(row["key"] for row in table(out)) == Counter(
        {row["key"]: 1 for row in table(out)}
        | {
            found["line\nbreak 話.flac", 1]["key"]: 2  # one for each channel
        }
    )
    assert {Path(row["source"]).name for row in table(out)} == {*names, "text.wav", "later.wav"}
    assert len(table(out, "failures")) == 5


def test_each_recording_once_whatever_is_killed(ray: SharedRay, calls: Path, tmp_path: Path) -> None:
    """The command is killed, then stopped by Ctrl-C, and in the third run a worker is killed."""
    out = tmp_path / "out"
    given = calls, out, "--part-seconds", 0
    with running(*given, address=ray.address) as process:
        assert wait_until(lambda: len(table(out)) >= 2, process)
        process.kill()
    assert max(sources(out).values()) == 1
    before = len(table(out))
    with running(*given, address=ray.address) as process:
        assert wait_until(lambda: len(table(out)) > before, process)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, output
    assert "stopped; run the same command again to go on" in output
    assert before < len(table(out)) < LONG
    assert max(sources(out).values()) == 1
    dry = archive(calls, out, "--dry-run")
    assert len(dry.stdout.splitlines()) == LONG - len(table(out))
    with running(*given, address=ray.address) as process:
        workers: list[int] = []

        def ready() -> bool:
            workers[:] = [pid for pid, command in descendants(ray.pid).items() if "ray::MapWorker" in command]
            return bool(workers)

        assert wait_until(ready, process)
        os.kill(workers[0], signal.SIGKILL)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, output
    assert sources(out) == ALL


def test_a_recording_that_ends_its_worker_is_a_failure_at_last(ray: SharedRay, tmp_path: Path) -> None:
    folder, out = tmp_path / "audio", tmp_path / "out"
    folder.mkdir()
    for number in range(4):
        soundfile.write(folder / f"{number}.wav", PCM, 16_000)
    poison = folder / "poison.wav"
    soundfile.write(poison, np.tile(PCM, 60), 16_000)
    deaths = set()
    with running(folder, out, address=ray.address) as process:

        def killed() -> bool:
            for pid in descendants(ray.pid):
                if str(poison) in opened(pid):
                    os.kill(pid, signal.SIGKILL)
                    deaths.add(pid)
            return process.poll() is not None

        wait_until(killed, process)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1, output
    assert len(deaths) == 3
    assert sources(out) == Counter(f"{number}.wav" for number in range(4))
    [failure] = table(out, "failures")
    assert failure["source"] == str(poison)
    assert failure["reason"] == "a worker ended while transcribing it, 3 times"


def test_a_ray_of_its_own_is_heard_by_nobody_and_ends_with_the_command(calls: Path, tmp_path: Path) -> None:
    with running(calls, tmp_path / "out") as process:

        def family() -> dict[int, str]:
            return descendants(process.pid)

        assert wait_until(lambda: any("MapWorker" in command for command in family().values()), process)
        born = family()
        addresses = {address for pid in (process.pid, *born) for address in listening(pid)}
        assert addresses == {"127.0.0.1"}
        process.kill()
        process.wait(SECONDS)
    deadline = time.monotonic() + SECONDS
    while left := {pid: command for pid, command in born.items() if pid in commands()}:
        assert time.monotonic() < deadline, left
        if all("Agent" in command for command in left.values()):
            # Two helpers of Ray look once a minute whether the rest is there: too long for a test.
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.2)
    for folder in set(re.findall(r"/[^ ]*/auricle-ray-\w+", " ".join(born.values()))):
        shutil.rmtree(folder)  # of a command that was killed
