"""A server under torture: `auricle serve` as its users run it, its log, its processes and its figures."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from auricle_server.bench.server.process_usage import resident_bytes
from tests.support import tones

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_STARTED = re.compile(rb"started process=(\S+) pid=(\d+)")
_SMALL_DISK_MB = 8
_SLOTS = 128
_LIMITED = 'ulimit -n "$DESCRIPTORS" && exec "$@"'
_ON_SMALL_DISK = 'mount -t tmpfs -o "size=${DISK_MB}m" tmpfs "$TMPDIR" && exec "$@"'


class ServerProcess:
    """A running server.

    Attributes:
        url: ``ws://host:port``.
        riva: ``host:port`` for clients of Riva; empty without such a port.
        disk: Folder of its temporary files, as seen from here; None when it is the machine's.
        exit_code: After the end.
    """

    def __init__(self, process: Process, log: Path, disk: Path | None) -> None:
        self.url = self.riva = ""
        self.disk = disk
        self.exit_code: int | None = None
        self._process = process
        self._log = log
        self._read = 0
        self._newest: dict[str, int] = {}

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self._log.read_text(errors="replace")

    @property
    def supervisor(self) -> int:
        """Process id of the supervisor."""
        return self._process.pid

    def processes(self) -> dict[str, int]:
        """Process ids by name (``worker-0``, ``gateway-1``) of the processes that live."""
        with self._log.open("rb") as log:  # only what is new: the log of an hour is long
            log.seek(self._read)
            lines = log.read()
        lines = lines[: lines.rfind(b"\n") + 1]
        self._read += len(lines)
        self._newest |= {name.decode(): int(pid) for name, pid in _STARTED.findall(lines)}
        return {name: pid for name, pid in self._newest.items() if _lives(pid)}

    def pids(self, role: str) -> list[int]:
        """Process ids of the workers, or of the gateways, that live."""
        return [pid for name, pid in self.processes().items() if name.startswith(role)]

    def memory(self, role: str) -> int:
        """Bytes of all processes of a role."""
        return sum(map(resident_bytes, self.pids(role)))

    def descriptors(self, role: str) -> int:
        """Open descriptors of all processes of a role."""
        return sum(_descriptors(pid) for pid in self.pids(role))

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body of an HTTP answer; status 0 when there is none."""
        timeout = aiohttp.ClientTimeout(total=10)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.get(self.url.replace("ws", "http", 1) + path) as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    async def metric(self, name: str) -> float | None:
        """A metric without labels; None when it cannot be read."""
        _, text = await self.get("/metrics")
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return None if found is None else float(found[1])

    async def until_ready(self, seconds: float = 120.0) -> bool:
        """Waits until new streams are taken; False when that takes too long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if (await self.get("/readyz"))[0] == 200:
                return True
            await asyncio.sleep(0.1)
        return False

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when that takes too long."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            self.exit_code = await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
        except TimeoutError:
            for pid in (*self.processes().values(), self.supervisor):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await self._process.wait()
        assert self._process.stdout is not None
        await self._process.stdout.read()  # to its end: else the pipe outlives the event loop


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    gateways: int = 1,
    descriptors: int | None = None,
    small_disk: bool = False,
    riva: bool = False,
    variables: Mapping[str, str] | None = None,
    port: int = 0,
    slots: int = _SLOTS,
) -> AsyncIterator[ServerProcess]:
    """A server with the two-tone model.

    Args:
        folder: Gets its log and its temporary files.
        gateways: Gateway processes.
        descriptors: Its limit of descriptors (``ulimit -n``), soft and hard.
        small_disk: Whether its temporary files lie on a file system of a few megabytes, which can be filled; needs
            `can_mount`.
        riva: Whether it has a port for clients of Riva, where its extra is installed.
        variables: Added to its environment.
        port: To listen at; 0 takes a free one.
        slots: Streams that it holds.
    """
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    options = ["--model", str(tones.CHECKPOINT), "--device", "cpu", "--port", str(port), "--gateways", str(gateways)]
    options += ["--slots", str(slots)]
    address = ""
    if riva and importlib.util.find_spec("grpc") is not None:
        from tests.support.servers.riva import free_port

        riva_port = free_port()
        options += ["--riva-port", str(riva_port)]
        address = f"127.0.0.1:{riva_port}"
    # By slots alone: what else runs on this machine must not decide whether a call is taken.
    command = [sys.executable, "-m", "auricle_server", "serve", *options, "--max-load", "0"]
    environment = {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1", **(variables or {})}
    if descriptors is not None:
        command, environment["DESCRIPTORS"] = ["sh", "-c", _LIMITED, "sh", *command], str(descriptors)
    if small_disk:
        command, environment["DISK_MB"] = (
            [*_unshared(), "sh", "-c", _ON_SMALL_DISK, "sh", *command],
            str(_SMALL_DISK_MB),
        )
    log = folder / "server.log"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=written, env=environment
        )
    # The mount is the server's own, so it ends with it; from outside it is reached through /proc.
    disk = Path(f"/proc/{process.pid}/root{temporary}") if small_disk else None
    server = ServerProcess(process, log, disk)
    server.riva = address
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)).decode()
        server.url = line.rpartition(" ")[2].strip()
        if not server.url or not await server.until_ready():
            raise RuntimeError(f"the server did not start:\n{server.log}")
        yield server
    finally:
        await server.stop()


def _unshared() -> list[str]:
    """The command that starts another with mounts of its own."""
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]


async def can_mount(folder: Path) -> bool:
    """Whether this user may mount a small file system on a folder, for a process of its own."""
    if shutil.which("unshare") is None:
        return False
    environment = {**os.environ, "TMPDIR": str(folder), "DISK_MB": "1"}
    command = [*_unshared(), "sh", "-c", _ON_SMALL_DISK, "sh", "true"]
    process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL, env=environment)
    return await process.wait() == 0


def _lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _descriptors(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except (FileNotFoundError, ProcessLookupError):
        return 0
