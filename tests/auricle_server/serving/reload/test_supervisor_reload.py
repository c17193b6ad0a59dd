"""A model that is loaded anew in a running server: real processes, the real command, streams that go on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from auricle import Stream
from auricle.client import connect
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final
from tests.auricle_server.raw_client import connected_client, until
from tests.auricle_server.serving.supervised import Server, serving, stopped
from tests.support import tones
from tests.support.servers.cutting_proxy import CuttingProxy

pytestmark = pytest.mark.timeout(240)

PCM, TEXT = tones.utterance(11, 4, trailing=0.1)
HALF = len(PCM) // 2


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A second checkpoint: clients see its name."""
    path = tmp_path / "other.nemo"
    shutil.copy(tones.CHECKPOINT, path)
    return path


async def reload(server: Server, *arguments: str) -> tuple[int, str]:
    """The command's exit code, and what it says."""
    port = str(urlsplit(server.url).port)
    command = sys.executable, "-m", "auricle_server", "reload", "--port", port, *arguments
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, " ".join((out + err).decode().split())


async def name_of(server: Server, query: str = "") -> str:
    async with connected_client(server.url, query) as raw:
        name: str = (await raw.start())["model"]
        return name


async def rest_of(stream: Stream) -> str:
    """Sends the second half and returns all words."""
    await stream.send(PCM[HALF:].tobytes())
    await stream.end()
    return " ".join([event.text async for event in stream if isinstance(event, Final)]).strip()


async def test_new_streams_get_the_new_model_and_open_ones_end_on_the_old(other: Path) -> None:
    async with serving(slots=4, gateways=2) as server:
        await server.until_readiness(200)
        proxy = CuttingProxy(server.url, seed=1, cuts=0)
        async with proxy.running() as through, connect(server.url) as plain, connect(through) as cut:
            for stream in (plain, cut):
                await stream.send(PCM[:HALF].tobytes())
            code, said = await reload(server, "--model", str(other))
            assert (code, "new streams have the new model" in said) == (0, True), said
            assert await name_of(server) == "other.nemo"
            proxy._cut()  # the client comes back to its stream, on the worker that has it
            assert [await rest_of(stream) for stream in (plain, cut)] == [TEXT, TEXT]
            assert plain.ready.model == tones.CHECKPOINT.name
        await until(lambda: "ended process=worker-0\n" in server.log, 60)
        assert len(server.pids("worker-0")) == 1
        code, _ = await reload(server)  # the same checkpoint again, in the place that is free
        assert code == 0
        await until(lambda: "ended process=worker-0-next\n" in server.log, 60)
        assert await name_of(server) == "other.nemo"
        assert await stopped(server) == 0


async def test_a_model_that_cannot_be_loaded_leaves_the_old_one_serving(other: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.nemo"
    broken.write_bytes(b"no archive")
    async with serving(slots=4) as server:
        await server.until_readiness(200)
        async with connect(server.url) as stream:
            await stream.send(PCM[:HALF].tobytes())
            for source, why in ((str(broken), "broken.nemo"), ("/there/is/none.nemo", "/there/is/none.nemo")):
                code, said = await reload(server, "--model", source)
                assert (code, why in said, "could not be loaded" in said) == (1, True, True), said
            assert await server.readiness() == 200
            assert await name_of(server) == tones.CHECKPOINT.name
            assert await rest_of(stream) == TEXT
        assert (await reload(server, "--model", str(other)))[0] == 0
        assert await name_of(server) == "other.nemo"
        assert await stopped(server) == 0


async def test_workers_that_are_killed_during_a_reload_cost_no_word(other: Path) -> None:
    async with serving(slots=4) as server:
        await server.until_readiness(200)
        async with connect(server.url) as stream:
            await stream.send(PCM[:HALF].tobytes())
            reloading = asyncio.create_task(reload(server, "--model", str(other)))
            for name in ("worker-0-next", "worker-0"):
                [pid, *_] = await server.until_pids(name, 1)
                os.kill(pid, signal.SIGKILL)
            code, said = await reloading
            assert code == 0, said
            assert await name_of(server) == "other.nemo"
            assert await rest_of(stream) == TEXT
        assert await stopped(server) == 0


async def test_streams_that_take_too_long_move_to_the_new_model_without_losing_a_word(other: Path) -> None:
    async with serving(slots=4) as server:
        await server.until_readiness(200)
        async with connect(server.url) as stream:
            await stream.send(PCM[:HALF].tobytes())
            assert (await reload(server, "--model", str(other), "--drain-seconds", "0.2"))[0] == 0
            await until(lambda: "its time is up" in server.log, 30)
            assert await rest_of(stream) == TEXT
            assert stream.ready.model == "other.nemo"
        assert await stopped(server) == 0


async def test_one_of_several_models_is_loaded_anew_by_its_name(other: Path) -> None:
    models = f"one={tones.CHECKPOINT},two={tones.CHECKPOINT},slots=2"
    async with serving(model=models, slots=4) as server:
        await server.until_readiness(200)
        async with (
            connect(server.url, start=Start(model="one")) as one,
            connect(server.url, start=Start(model="two")) as two,
        ):
            for stream in (one, two):
                await stream.send(PCM[:HALF].tobytes())
            assert (await reload(server, "--model", f"two={other}"))[0] == 0
            assert await name_of(server, "?model=two") == "two"
            assert [await rest_of(stream) for stream in (one, two)] == [TEXT, TEXT]
        for arguments, why in ((("--model", f"three={other}"), "one, two"), ((), "say which model")):
            code, said = await reload(server, *arguments)
            assert (code, why in said) == (1, True), said
        assert await stopped(server) == 0


async def test_two_reloads_do_not_run_at_once(other: Path) -> None:
    async with serving(slots=4) as server:
        await server.until_readiness(200)
        outcomes = await asyncio.gather(*(reload(server, "--model", str(other)) for _ in range(2)))
        assert sorted(code for code, _ in outcomes) == [0, 1]
        assert any("another reload is going on" in said for _, said in outcomes) or any(
            "still end their streams" in said for _, said in outcomes
        )
        assert await stopped(server) == 0
