"""What becomes of the workers of a reload that fails, whose processes are stand-ins here."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.children.child import Child
from auricle_server.serving.children.standby import Standby
from auricle_server.serving.processes import CANNOT_START
from auricle_server.serving.workers import Workers


class StandInProcess:
    """Ends when it is told to."""

    pid: int | None = None

    def __init__(self) -> None:
        self.exitcode: int | None = None

    def is_alive(self) -> bool:
        return self.exitcode is None

    def kill(self) -> None:
        self.exitcode = -9 if self.exitcode is None else self.exitcode


def running(child: Child, ready: bool = True) -> Child:
    process: Any = StandInProcess()
    child.process, child.ready_at = process, 1.0 if ready else None
    return child


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    config = ServerConfig(workers=2)
    reader, writer = multiprocessing.Pipe(duplex=False)
    made = Workers(config, tmp_path, reader, Standby(config, reader))
    for child in made.serving:
        running(child)
    with reader, writer:
        yield made


def test_when_one_successor_fails_the_death_of_the_others_is_noted_too(workers: Workers) -> None:
    outcomes: list[str | None] = []
    workers.begin_reload("", "/other.nemo", 600.0, outcomes.append)
    assert workers.reload is not None
    loaded, failed = (
        running(child, ready) for child, ready in zip(workers.reload.successors, (True, False), strict=True)
    )
    failed.process.exitcode, failed.problem = CANNOT_START, "no such file"  # type: ignore[union-attr,misc]
    assert workers.forget(failed)
    assert outcomes == ["no such file"]
    assert workers.kept_running == workers.serving
    # The supervisor finds it dead, and its watchdog forgets it: the next one of that name must not count as hung.
    assert loaded in workers.children
    assert loaded.process is not None
    assert not loaded.process.is_alive()
    assert workers.forget(loaded)
    assert workers.children == workers.serving
    workers.begin_reload("", "/other.nemo", 600.0, outcomes.append)
