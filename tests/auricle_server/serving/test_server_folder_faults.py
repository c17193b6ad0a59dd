"""A server whose temp directory is full, read-only or gone: it says so, and no call ends."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.auricle_server.raw_client import connected_client, transcribed
from tests.auricle_server.serving.supervised import SCRIPT, Server, metrics, stopped, watched
from tests.support import tones

pytestmark = pytest.mark.slow

MOUNTED = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
"""Runs a script where it may mount file systems that no other process sees."""


@pytest.fixture(scope="module", autouse=True)
def private_mounts() -> None:
    trial = [*MOUNTED, "mount -t tmpfs none /mnt"]
    if not shutil.which("unshare") or subprocess.run(trial, check=False, capture_output=True).returncode:
        pytest.skip("needs user namespaces, to fill a disk of its own")


@asynccontextmanager
async def serving_on(disk: Path, mount: str, **options: Any) -> AsyncIterator[tuple[Server, Path]]:
    """A server whose temp directory is the mount point `disk`, and how other processes see that."""
    given = {"model": str(tones.CHECKPOINT), "device": "cpu", "port": 0, "slots": 4, "drain_seconds": 0.2, **options}
    given["max_load"] = 0  # on a busy machine admission by time would refuse streams
    command = [
        *MOUNTED,
        f'mkdir "$0" && {mount} && exec "$@"',
        str(disk),
        sys.executable,
        str(SCRIPT),
        json.dumps(given),
    ]
    env = {**os.environ, "TMPDIR": str(disk)}
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=env)
    async with watched(process) as server:
        assert process.stdout is not None
        server.url = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        yield server, Path(f"/proc/{process.pid}/root{disk}")


def fill(folder: Path) -> None:
    """Takes the last byte of a disk."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(512))


async def test_a_disk_that_fills_up_ends_no_call(short_path: Path) -> None:
    audio, text = tones.utterance(81, 3)
    async with serving_on(short_path / "disk", 'mount -t tmpfs -o size=512k none "$0"') as (server, disk):
        async with connected_client(server.url) as client:
            await client.start(latency_ms=80)
            await client.send_audio(audio[:12000])
            await client.event("interim")
            fill(disk)
            for latency_ms in (80, 160, 560, 1120):  # figures with labels of their own
                assert await transcribed(server.url, audio, latency_ms=latency_ms) == text
            await client.send_audio(audio[12000:])
            await client.end()
            assert client.text == text
        assert (await metrics(server))["auricle_audio_seconds_total"] == pytest.approx(5 * len(audio) / 16000, rel=0.1)

        # Processes that start on the full disk serve as well.
        os.kill(server.pids("gateway-0")[0], signal.SIGKILL)
        await server.until_pids("gateway-0", 2)
        await server.until_readiness(200)
        os.kill(server.pids("worker-0")[0], signal.SIGKILL)
        await server.until_pids("worker-0", 2)
        await server.until_readiness(200)
        assert await transcribed(server.url, audio) == text
        assert len(server.pids("gateway-0")) == len(server.pids("worker-0")) == 2
        assert await stopped(server) == 0


async def test_a_disk_on_which_nothing_can_be_written_from_the_start(short_path: Path) -> None:
    audio, text = tones.utterance(82, 2)
    places = 'cd /sys; for place in /tmp /var/tmp "$0"; do mount --bind $place $place; mount -o remount,bind,ro $place'
    async with serving_on(short_path / "disk", f"{places}; done", gateways=2) as (server, _):
        assert await transcribed(server.url, audio) == text
        assert "as the temp directory does not take them" in server.log
        assert await stopped(server) == 0


async def test_a_file_system_that_becomes_read_only_ends_no_call(short_path: Path) -> None:
    audio, text = tones.utterance(81, 3)
    async with serving_on(short_path / "disk", 'mount -t tmpfs none "$0"') as (server, _):
        async with connected_client(server.url) as client:
            await client.start(latency_ms=80)
            await client.send_audio(audio[:12000])
            await client.event("interim")
            remount = ["nsenter", "--user", "--mount", "--target", str(server.process.pid)]
            remounting = await asyncio.create_subprocess_exec(
                *remount, "mount", "-o", "remount,ro", short_path / "disk"
            )
            assert await remounting.wait() == 0
            await client.send_audio(audio[12000:])
            await client.end()
            assert client.text == text
        os.kill(server.pids("gateway-0")[0], signal.SIGKILL)
        await server.until_pids("gateway-0", 2)
        await server.until_readiness(200)
        assert await transcribed(server.url, audio) == text
        assert "other gateways cannot pass clients on" in server.log
        assert await stopped(server) == 0
        assert "cannot delete" in server.log
        assert "Traceback" not in server.log


async def test_a_temp_directory_that_is_emptied_ends_no_call(short_path: Path) -> None:
    audio, text = tones.utterance(81, 3)
    async with serving_on(short_path / "disk", 'mount -t tmpfs none "$0"') as (server, disk):
        async with connected_client(server.url) as client:
            await client.start(latency_ms=80)
            await client.send_audio(audio[:12000])
            await client.event("interim")
            [folder] = disk.glob("auricle-*")
            await asyncio.to_thread(shutil.rmtree, folder)
            await client.send_audio(audio[12000:])
            await client.end()
            assert client.text == text
        for name in ("gateway-0", "worker-0"):  # whoever starts finds the other
            os.kill(server.pids(name)[0], signal.SIGKILL)
            await server.until_pids(name, 2)
            await server.until_readiness(200)
            assert await transcribed(server.url, audio) == text
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert await stopped(server) == 0
        assert not list(disk.glob("auricle-*"))
