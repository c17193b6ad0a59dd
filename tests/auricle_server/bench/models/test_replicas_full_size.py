"""The published checkpoints at full size, as replicas: `auricle serve` loads both formats, serves a stream, drains.

Each replica takes 2.5 GB of the disk, the gzipped archive three times as much while it is written or unpacked; one
exists at a time.

Memory is the worker's `VmHWM`: the most that it ever had in its address space, pages of mapped files included. A
container's limit is kinder, because it takes clean pages of files back before it kills anything.

Time counts from the start of the program until it says that it is ready, on two threads, with the file in the page
cache. Other work on the machine stretches the time of the wall, so the processor time of the server's processes may be
within the bound instead. A virtual machine that has to fetch its memory from its host stretches both: a start is also
quick enough where it takes at most twice as long as a small program that does the least of any loading.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import soundfile
import torch

from auricle import AuricleClient, Final, Ready, Start
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.dtypes import AUTO, FLOAT32, INT8
from auricle_server.engine.memory import memory_need
from auricle_server.engine.weight_formats import WeightFormat, parse_dtype
from tests.support.published import REPOSITORIES, published_bytes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

READY_SECONDS = 10.0
"""From a start to a ready server, from safetensors, on two cores that do nothing else."""
LEAST_WORK = """
import sys
import numpy as np
import torch
stored = np.memmap(sys.argv[1], np.uint8, "r")
copies = [stored[at : at + (1 << 24)].copy() for at in range(0, len(stored), 1 << 24)]
"""
"""Importing PyTorch, and copying the file to fresh memory."""
MOST_OF_LEAST = 2.0
"""Times what `LEAST_WORK` takes; starts took 1.0 to 2.1 times as long, beside other work that came and went."""
MOST_MEMORY = 1.3
"""Times the packed weights."""
RUNTIME = 500e6
"""Bytes more with smaller weights: PyTorch takes 235 MB whatever the weights, and the streams with which a worker times
its steps take their state, and memory that is kept for the next step."""
PACKING = {FLOAT32: 0.0, AUTO: 4.0, INT8: 4.0}
"""Seconds more that rounding and packing may take on two cores that are never quiet; it is work that scales."""
LATENCIES = {"en": (80, 160, 560, 1120), "3.5": (80, 160, 320, 560, 1120)}
DEFAULT_LATENCY = {"en": 160, "3.5": 320}
ARCHIVE_SLACK = {"en": 400_000, "3.5": 5_000_000}
"""What sizes may differ by. A trained tokenizer's model has tables of its normaliser, the published configuration has
sections about the training, and random values do not compress like trained ones."""
FREE_DISK, FREE_MEMORY = 12 << 30, 5 << 30
CLIPS = Path(__file__).parents[4] / "server/auricle_server/demo/audio"


@dataclass
class Served:
    """What one start of a server took.

    Attributes:
        seconds: Until it was ready.
        cpu_seconds: Processor time of all its processes until then.
        memory: Most bytes of the worker.
        ready: What it told the stream.
        finals: What it heard.
    """

    seconds: float
    cpu_seconds: float
    memory: int
    ready: Ready
    finals: list[Final]


@pytest.fixture(scope="module", params=["en", "3.5"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Iterator[Path]:
    """An empty folder that is called like the repository; gone after the test."""
    if shutil.disk_usage(tmp_path).free < FREE_DISK:
        pytest.skip(f"{tmp_path} has less than {FREE_DISK >> 30} GiB free")
    if available_memory() < FREE_MEMORY:
        pytest.skip(f"less than {FREE_MEMORY >> 30} GiB of memory are free")
    made = tmp_path / Path(REPOSITORIES[name]).name
    made.mkdir()
    yield made
    shutil.rmtree(tmp_path)


def available_memory() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def environment(folder: Path) -> dict[str, str]:
    """Two threads, though the tests' own process has one; unpacked archives go to the test's folder."""
    # Two threads that spin while other work wants the cores take ten times as long.
    threads = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    return {**os.environ, **threads, "HF_ASSETS_CACHE": str(folder.parent / "assets")}


@contextmanager
def serving(model: Path, folder: Path, dtype: str) -> Iterator[tuple[str, int, float, float]]:
    """A server's URL, its worker's process id, seconds and processor time until it was ready; drained at the end."""
    command = [sys.executable, "-m", "auricle_server", "serve", "--port", "0", "--device", "cpu", "--threads", "2"]
    command += ["--model", str(model), "--dtype", dtype, "--log-level", "WARNING"]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(folder)) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            seconds = time.monotonic() - began
            assert line.startswith("Auricle is ready at ws://127.0.0.1:")
            family = [process.pid, *children(process.pid)]
            yield line.split()[-1], max(family, key=most_memory), seconds, sum(map(processor_seconds, family))
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()


def children(parent: int) -> list[int]:
    return list(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))


def processor_seconds(process: int) -> float:
    """Processor time of a process so far, in user mode and in the kernel."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def most_memory(process: int) -> int:
    """Most bytes that a process ever had in its address space."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(line.split()[1]) * 1024


async def hear(url: str) -> tuple[Ready, list[Final]]:
    """Streams a bundled clip, as fast as the server takes it."""
    clip = json.loads((CLIPS / "manifest.json").read_text())[0]
    audio = soundfile.read(CLIPS / clip["file"], dtype="int16")[0].tobytes()
    async with AuricleClient(url) as client, await client.open(Start()) as stream:
        ready = stream.ready
        for at in range(0, len(audio), 32_000):
            await stream.send(audio[at : at + 32_000])
        await stream.end()
        finals = [event async for event in stream if isinstance(event, Final)]
    return ready, finals


def written(name: str, folder: Path, form: str) -> Path:
    """A replica, written by a process of its own: the memory that drawing it takes is free again afterwards."""
    code = "import sys; from pathlib import Path; from auricle_server.bench.models.replicas import write_replica\n"
    code += "print(write_replica(sys.argv[1], Path(sys.argv[2]), form=sys.argv[3]))"
    command = [sys.executable, "-c", code, name, str(folder), form]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment(folder), timeout=600)
    return Path(done.stdout.strip())


def serve_once(model: Path, folder: Path, dtype: str) -> Served:
    with serving(model, folder, dtype) as (url, worker, seconds, cpu_seconds):
        ready, finals = asyncio.run(asyncio.wait_for(hear(url), 120))
        return Served(seconds, cpu_seconds, most_memory(worker), ready, finals)


def least_seconds(file: Path, folder: Path) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", LEAST_WORK, str(file)], check=True, env=environment(folder), timeout=300)
    return time.monotonic() - began


def serve(name: str, model: Path, folder: Path, dtype: str = AUTO) -> Served:
    """The start that took less memory, of two if the first was over the bound.

    What the kernel adds to the same loading depends on the other work of the machine: one start beside other tests took
    1.30 times the weights, starts alone 1.24 to 1.26 times.
    """
    first = serve_once(model, folder, dtype)
    if first.memory <= most_allowed(name, dtype):
        return first
    second = serve_once(model, folder, dtype)
    return replace(second, memory=min(first.memory, second.memory))


def most_allowed(name: str, dtype: str) -> float:
    """Most bytes that a worker may take."""
    weights = parse_dtype(dtype).weights or WeightFormat.FP16  # what auto takes for models of this size
    packed = memory_need(SHAPES[name], torch.float32, weights).weights
    return MOST_MEMORY * packed + (RUNTIME if weights is not WeightFormat.FLOAT32 else 0)


def check(name: str, served: Served, dtype: str = AUTO) -> None:
    print(f"\n{name}, {dtype}: ready in {served.seconds:.1f} s, {served.cpu_seconds:.1f} s of processor time")
    print(f"{served.memory / 1e9:.2f} GB of at most {most_allowed(name, dtype) / 1e9:.2f}")
    assert served.memory <= most_allowed(name, dtype)
    assert served.ready.latency_ms == DEFAULT_LATENCY[name]
    assert served.finals
    assert any(final.words for final in served.finals)


def test_safetensors(name: str, folder: Path) -> None:
    made = written(name, folder, "safetensors")
    file = next(made.glob("*.safetensors"))
    assert file.stat().st_size == published_bytes(name, ".safetensors")
    least = least_seconds(file, folder)
    print(f"the least that any loading does took {least:.1f} s")
    for dtype in (FLOAT32, AUTO, INT8):
        served = serve(name, made, folder, dtype)
        check(name, served, dtype)
        assert served.ready.latencies_ms == LATENCIES[name]  # recognised as the published file, by name and size
        bound = max(READY_SECONDS, MOST_OF_LEAST * least) + PACKING[dtype]
        assert min(served.seconds, served.cpu_seconds) <= bound, dtype


def test_the_archive(name: str, folder: Path) -> None:
    """That of 3.5 is gzipped, and is unpacked at the first start."""
    archive = written(name, folder, "nemo")
    size, published = archive.stat().st_size, published_bytes(name, ".nemo")
    print(f"\n{archive.name} has {size:,} bytes, {size - published:+,} against the published one")
    assert abs(size - published) <= ARCHIVE_SLACK[name]
    served = serve(name, archive, folder)
    check(name, served)
    # A gzipped replica is not of the published size, so no profile adds a latency to its configuration's own.
    own = {80 * (right + 1) for _, right in SHAPES[name].encoder.contexts}
    assert set(served.ready.latencies_ms) == own
