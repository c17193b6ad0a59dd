"""The programs that the files in `deploy/` are for, and those that check them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = ROOT / "build" / "deploy-tools" / "bin"
"""Where `make deploy-tools` puts what PyPI brings. Debian puts daemons where only root has them on PATH."""
PLACES = os.pathsep.join([str(TOOLS), os.environ.get("PATH", ""), "/usr/sbin"])
_SECONDS = 60


def program(name: str, *, debian: str | None = None) -> str:
    """Path of a program; skips the test where it is absent.

    Args:
        name: Of the program.
        debian: The package of Debian that brings it; None for what `make deploy-tools` installs.
    """
    found = shutil.which(name, path=PLACES)
    if found is None:
        pytest.skip(f"needs {name}: " + (f"apt-get install {debian}" if debian else "make deploy-tools"))
    return found


def output(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a program writes to both its outputs; it must end with 0."""
    pipe, both = subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(command, cwd=cwd, stdout=pipe, stderr=both, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def free_ports(count: int) -> list[int]:
    """Ports that were free just now, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def running(
    *command: str | Path, port: int, log: Path, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program, from when it listens at a port to the end of the block.

    Args:
        command: Starts it.
        port: At which it listens.
        log: Gets what it writes.
        variables: Added to its environment.
    """
    environment, none, both = {**os.environ, **(variables or {})}, subprocess.DEVNULL, subprocess.STDOUT
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdin=none, stdout=written, stderr=both, env=environment)
        try:
            end = time.monotonic() + _SECONDS
            while not listens(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
