"""A pytest plugin for runs in several processes: which tests share one, and which must have the machine to themselves.

Many tests wait in real time, for a pause to become a turn end or for a server to be missed, so more processes than
cores help. The tests of a file stay together, so that their fixtures are made once. Tests of several files that share
something expensive form a group: ``pytest.mark.xdist_group("nemo")``. What measures how fast something is carries
``pytest.mark.exclusive``: no test of another process runs at the same time.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_LONG = ("exclusive", "slow", "xdist_group")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The scheduler of ``--dist loadgroup``, but tests of no group are together by file instead of each alone."""
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class ByGroupOrFile(LoadGroupScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            scope: str = super()._split_scope(nodeid)
            return scope if scope != nodeid else nodeid.partition("::")[0]

    return ByGroupOrFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no process is left alone with one at the end."""
    if hasattr(config, "workerinput"):
        first = {item.path for item in items if any(map(item.get_closest_marker, _LONG))}
        items.sort(key=lambda item: item.path not in first)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around the timeout's: waiting does not count
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Exclusive tests wait for all others, which run beside each other."""
    folder = _shared_folder(item.config)
    if folder is None:
        return (yield)
    with _admitted(folder, alone=item.get_closest_marker("exclusive") is not None):
        return (yield)


def _shared_folder(config: pytest.Config) -> Path | None:
    """A folder that all processes of this run have in common; None where there is one process only."""
    if not hasattr(config, "workerinput"):
        return None
    folder: Path = config._tmp_path_factory.getbasetemp().parent  # type: ignore[attr-defined]
    return folder


@contextmanager
def _admitted(folder: Path, *, alone: bool) -> Iterator[None]:
    """Holds the right to run a test. Who waits to be alone is not overtaken: it holds the door meanwhile."""
    with (folder / "running.lock").open("w") as running:
        with (folder / "door.lock").open("w") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(running, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
