"""Runs the stages of `make gpu`, each in a process of its own, and keeps what each of them has shown.

After every stage ``gpu.json`` and ``gpu.txt`` are written anew, so a run that is cut short leaves the results so far.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import torch

from auricle_server.bench.gpu.report import report
from auricle_server.bench.gpu.stages import GpuOptions, GpuStage, stages
from auricle_server.bench.report.machine import this_machine
from auricle_server.bench.report.results import DEFAULT_FOLDER, load, record, write

Log = Callable[[str], None]

LEAST = 20.0
"""Seconds without which a stage is not started."""
GRACE = 5.0
"""Seconds that a stage has after its time to end by itself."""
KEPT_LINES = 40
"""Last lines of a stage's output that its record keeps; the whole output is in ``gpu.log``."""


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """How a stage went.

    Attributes:
        name: Of the stage.
        verdict: ``"done"``, ``"failed"``, ``"stopped"`` at the end of its time, or ``"skipped"``.
        reason: Why it was skipped, how it failed; empty otherwise.
        seconds: How long it ran.
        output: Its last lines.
    """

    name: str
    verdict: str
    reason: str
    seconds: float
    output: tuple[str, ...] = ()


def run(options: GpuOptions, log: Log) -> int:
    """Runs the chosen stages in order; returns 1 when one of them failed, else 0.

    A stage that was stopped has not failed: it has written what it measured.

    Raises:
        ValueError: A chosen stage does not exist.
    """
    if options.device == "cuda" and not torch.cuda.is_available():
        log("make gpu needs an NVIDIA GPU, and a PyTorch build with CUDA; --device cpu tries the stages without one")
        return 1
    out = options.out or DEFAULT_FOLDER / this_machine().name
    out.mkdir(parents=True, exist_ok=True)
    chosen = stages(options, out)
    log(f"{this_machine().gpu or this_machine().cpu}, PyTorch {torch.__version__}, {options.budget:.0f} s")
    began, outcomes = time.monotonic(), list[StageOutcome]()
    shares = sum(stage.share for stage in chosen)
    used = 0.0
    with (out / "gpu.log").open("w") as file:
        for stage in chosen:
            used += stage.share
            left = began + options.budget * used / shares - time.monotonic()
            outcomes.append(_outcome(stage, left, _Output(file, log)))
            log(f"== {stage.name}: {outcomes[-1].verdict} {outcomes[-1].reason}".rstrip())
            write_report(options, out, outcomes)
    log((out / "gpu.txt").read_text())
    return int(any(outcome.verdict == "failed" for outcome in outcomes))


def write_report(options: GpuOptions, out: Path, outcomes: list[StageOutcome]) -> None:
    """Writes the record of the run so far, and the text about all results in the folder."""
    figures: dict[str, Any] = {"stages": [asdict(outcome) for outcome in outcomes]}
    write(record("gpu", asdict(options), figures), out, "gpu")
    (out / "gpu.txt").write_text(report(load(out)))


def _outcome(stage: GpuStage, seconds: float, output: _Output) -> StageOutcome:
    """Runs a stage within so many seconds."""
    if missing := stage.missing:
        return StageOutcome(stage.name, "skipped", f"({', '.join(missing)} not installed)", 0.0)
    if seconds < LEAST:
        return StageOutcome(stage.name, "skipped", "(the time budget is used up)", 0.0)
    began = time.monotonic()
    code = _run([sys.executable, *stage.command(seconds)], seconds, output)
    took = time.monotonic() - began
    if code is None:
        verdict, reason = "stopped", f"after {took:.0f} s"
    else:
        verdict, reason = ("done", f"in {took:.0f} s") if code == 0 else ("failed", f"with code {code} in {took:.0f} s")
    return StageOutcome(stage.name, verdict, reason, took, tuple(output.lines[-KEPT_LINES:]))


def _run(command: list[str], seconds: float, output: _Output) -> int | None:
    """Runs a command; returns its exit code, or None when it was stopped."""
    output.take(f"$ {' '.join(command)}")
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # a group that can be ended as a whole: servers and clients are processes too
    )
    assert process.stdout is not None, "piped"
    reader = threading.Thread(target=output.read, args=(process.stdout,), daemon=True)
    reader.start()
    code: int | None = None
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        # As Ctrl-C does: pytest then prints a summary, and servers end their processes.
        _end(process, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    finally:
        _end(process, signal.SIGKILL)
        process.wait()
        reader.join(GRACE)
    return code


def _end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Sends a signal to the group of a process."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


class _Output:
    """Takes a stage's lines: to the log, into the file, and into memory."""

    def __init__(self, file: IO[str], log: Log) -> None:
        self._file, self._log = file, log
        self.lines: list[str] = []

    def read(self, lines: IO[str]) -> None:
        """Takes all lines of a pipe until it ends, and closes it."""
        with lines:
            for line in lines:
                self.take(line.rstrip("\n"))

    def take(self, line: str) -> None:
        """Takes a line."""
        self.lines.append(line)
        self._file.write(line + "\n")
        self._file.flush()
        self._log(line)
