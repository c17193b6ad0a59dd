"""What Ray costs: `auricle archive` with one worker beside `auricle transcribe`, over the same files, in turns.

    python -m tests.bench.archive

Each command runs over a short and over a long archive. The difference of the two is the cost of the audio, the rest
that of the start. Processor time counts all processes of a command, Ray's too; wall time depends on what else runs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

import auricle_server.demo
from auricle_server.bench.report.results import record, write
from auricle_server.bench.server.process_usage import cpu_seconds
from tests.support.servers.ray_runs import descendants

SAMPLE_RATE = 16_000
CLIPS = Path(auricle_server.demo.__file__).parent / "audio"
LENGTHS = (20, 45, 90, 180)
"""Seconds of the files, again and again: calls of many lengths."""


def make_files(folder: Path, seconds: int) -> tuple[list[Path], int]:
    """Files of the demo's clips with at least so many seconds together; and how many they have."""
    clips = np.concatenate([soundfile.read(path, dtype="int16")[0] for path in sorted(CLIPS.glob("*.wav"))])
    folder.mkdir()
    files, total = list[Path](), 0
    while total < seconds:
        length = LENGTHS[len(files) % len(LENGTHS)]
        files.append(folder / f"{len(files):04}.wav")
        soundfile.write(files[-1], np.resize(np.roll(clips, -16_000 * len(files)), length * SAMPLE_RATE), SAMPLE_RATE)
        total += length
    return files, total


def cost(command: list[str]) -> dict[str, float]:
    """Wall and processor seconds of a command and of all processes that it starts."""
    began = time.monotonic()
    spent: dict[int, float] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for pid in (process.pid, *descendants(process.pid)):
                spent[pid] = max(spent.get(pid, 0.0), cpu_seconds(pid))
            time.sleep(0.25)
    assert process.returncode == 0, command
    return {"wall": time.monotonic() - began, "cpu": sum(spent.values())}


def main() -> int:
    """Prints the figures and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--short", type=int, default=300, help="seconds of audio of the short archive")
    parser.add_argument("--long", type=int, default=3000, help="seconds of audio of the long archive")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="folder of the record")
    options = parser.parse_args()
    runs: dict[str, list[dict[str, float]]] = {}
    audio: dict[str, int] = {}
    auricle = [sys.executable, "-m", "auricle_server"]
    with tempfile.TemporaryDirectory(prefix="auricle-bench-") as base:
        files: dict[str, list[Path]] = {}
        for size in ("short", "long"):
            files[size], audio[size] = make_files(Path(base) / size, vars(options)[size])
        for number in range(options.rounds):
            for size in ("short", "long"):
                texts, tables = Path(base) / f"t{number}{size}", Path(base) / f"a{number}{size}"
                commands = {
                    "transcribe": ["transcribe", *map(str, files[size]), "--format", "json", "-o", str(texts)],
                    "archive": ["archive", str(Path(base) / size), str(tables), "--workers", "1", "--threads", "1"],
                }
                for name, command in commands.items():
                    found = cost([*auricle, *command, "--model", options.model])
                    runs.setdefault(f"{name} {size}", []).append(found)
                    print(number, name, size, found, flush=True)
    figures = {"audio seconds": audio, "runs": runs, **summary(runs, audio)}
    print(figures)
    kept = {name: value for name, value in vars(options).items() if name != "out"}
    print(write(record("archive", kept, figures), options.out, f"archive-{Path(options.model).stem}"))
    return 0


def summary(runs: dict[str, list[dict[str, float]]], audio: dict[str, int]) -> dict[str, object]:
    """From the least of each kind of run: cost of the start and of an hour of audio, and the archive's overhead."""
    found: dict[str, object] = {}
    more = audio["long"] - audio["short"]
    for clock in ("wall", "cpu"):
        least = {name: min(run[clock] for run in each) for name, each in runs.items()}
        second = {name: (least[f"{name} long"] - least[f"{name} short"]) / more for name in ("transcribe", "archive")}
        found[clock] = {
            "seconds for an hour": {name: 3600 * each for name, each in second.items()},
            "seconds to start": {name: least[f"{name} short"] - audio["short"] * second[name] for name in second},
            "overhead of an hour": second["archive"] / second["transcribe"] - 1,
            "overhead of the long archive with the start": least["archive long"] / least["transcribe long"] - 1,
        }
    return found


if __name__ == "__main__":
    raise SystemExit(main())
