"""`auricle archive` in processes of their own, on a Ray that several runs share, so that it starts once."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.tones import CHECKPOINT

START = """
import os, sys
from auricle_server.archives.local_ray import ray_cluster
with ray_cluster(None, 2):
    import ray
    print(ray.get_runtime_context().gcs_address, os.environ["RAY_AUTH_TOKEN"], flush=True)
    sys.stdin.read()
"""
# A driver on this machine must find a Ray that listens on the loopback alone.
ENVIRONMENT = {**os.environ, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "COLUMNS": "200"}
SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class SharedRay:
    """A Ray that several runs use: its address, and the process that started all others of it."""

    address: str
    pid: int


@contextmanager
def shared_ray() -> Iterator[SharedRay]:
    """A Ray of two CPUs, with all its processes ended afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        address, _, token = process.stdout.readline().strip().partition(" ")
        assert address, "Ray did not start"
        ENVIRONMENT.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token)
        try:
            yield SharedRay(address, process.pid)
        finally:
            process.stdin.close()
            process.wait(60)


def arguments(*given: object, address: str | None = None, workers: int = 1) -> list[str]:
    """The command line of an archive with the model of tones."""
    options = ["--model", CHECKPOINT, "--threads", 1, "--workers", workers]
    options += [] if address is None else ["--address", address]
    return [sys.executable, "-m", "auricle_server", "archive", *map(str, [*given, *options])]


def archive(*given: object, address: str | None = None, workers: int = 1) -> subprocess.CompletedProcess[str]:
    """A run from start to end."""
    return subprocess.run(
        arguments(*given, address=address, workers=workers),
        check=False,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=SECONDS,
    )


@contextmanager
def running(*given: object, address: str | None = None, workers: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A run that the test may interrupt; killed at the end of the block if it still runs."""
    command = arguments(*given, address=address, workers=workers)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def table(out: Path, name: str = "transcripts") -> list[dict[str, Any]]:
    """All rows of a table of JSON lines."""
    parts = sorted((out / name).glob("part-*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> bool:
    """Waits until something holds; False when the run ends before."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
    return True


def commands() -> dict[int, str]:
    """Command lines of all processes, by process id."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (command := _read(entry / "cmdline")):
            found[int(entry.name)] = command.replace("\0", " ")
    return found


def descendants(root: int) -> dict[int, str]:
    """Command lines of the processes that a process has started, and so on."""
    every = commands()
    # proc(5): the parent is the second field after the name, which stands in brackets.
    stats = {pid: _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split() for pid in every}
    found, grown = {root}, True
    while grown:
        more = {pid for pid, stat in stats.items() if stat and int(stat[1]) in found} - found
        found |= more
        grown = bool(more)
    return {pid: every[pid] for pid in found - {root} if pid in every}


def listening(pid: int) -> set[str]:
    """Addresses at which a process accepts TCP connections."""
    sockets = opened(pid)
    found = set()
    for table_name in ("tcp", "tcp6"):
        for line in _read(Path(f"/proc/{pid}/net/{table_name}")).splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:  # LISTEN
                found.add(_address(fields[1].partition(":")[0]))
    return found


def opened(pid: int) -> set[str]:
    """What a process has open: paths of files, and names of sockets."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.add(str(link.readlink()))
        except OSError:
            continue
    return found


def _address(hexadecimal: str) -> str:
    """proc(5): words of 32 bits in the byte order of the machine."""
    words = [bytes.fromhex(hexadecimal[at : at + 8])[::-1] for at in range(0, len(hexadecimal), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
