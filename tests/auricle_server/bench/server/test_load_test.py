"""The load test's parts: script, wire, verdict, what is watched."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from urllib.parse import urlsplit

import numpy as np
import pytest
from aiohttp import WSMsgType, web

from auricle_server.bench.clips import SAMPLE_RATE, load_clips
from auricle_server.bench.report.summaries import Spread
from auricle_server.bench.server.clients import ClientPlan, run_clients
from auricle_server.bench.server.criterion import Load, growth, problems
from auricle_server.bench.server.expected_words import reference_texts
from auricle_server.bench.server.fast_websocket import FastWebSocket, audio_frame
from auricle_server.bench.server.process_usage import cpu_seconds, histogram, quantile, resident_bytes
from auricle_server.bench.server.speech_script import FINALIZE_AFTER, packets_of, script
from auricle_server.bench.transcripts import plain
from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally

GOOD = Load(
    streams=8,
    latency_ms=160,
    seconds=10.0,
    ready_seconds=2.0,
    client_lateness=Spread(0.001, 0.002, 0.003, 0.004, 100),
    first_partial=Spread.of([0.3]),
    partial_lag=Spread.of([0.1]),
    final_after_speech=Spread.of([0.25]),
    final_after_finalize=Spread.of([0.02]),
    turn_end=Spread.of([0.7]),
    cut_ins=0,
    drift=0.0,
    missing=0,
    errors={},
    step_p50=0.01,
    step_p99=0.02,
    rows_p50=2.0,
    word_error_rate=10.0,
    word_error_rate_alone=10.05,
    cores={},
    gpu_percent=0.0,
    memory_megabytes={"worker": [100.0] * 40},
)


HISTOGRAMS = """\
steps_bucket{chunk_ms="80",le="0.01"} 10
steps_bucket{chunk_ms="160",le="0.01"} 0
steps_bucket{chunk_ms="80",le="0.02"} 20.0
steps_bucket{chunk_ms="160",le="0.02"} 80.0
steps_bucket{chunk_ms="80",le="+Inf"} 20.0
steps_bucket{chunk_ms="160",le="+Inf"} 80.0
other_bucket{le="+Inf"} 7.0
"""


# --- the script ------------------------------------------------------------------------------------------------------


def test_a_script_is_whole_clips_without_gaps() -> None:
    clips, said = load_clips(), list(script(load_clips(), 3, 60.0))
    assert said[-1].start < 60.0 <= said[-1].start + said[-1].packets * 0.02
    for one, following in pairwise(said):
        assert following.first_packet == one.first_packet + one.packets
    for one in said:
        assert one.packets == len(packets_of(clips[one.clip]))
        behind = (one.finalize_packet + 1) * 0.02 - one.speech_end
        assert behind == pytest.approx(FINALIZE_AFTER, abs=0.02)
    assert [one.clip for one in said] != [one.clip for one in script(clips, 4, 60.0)]


def test_packets_are_the_clip_and_silence() -> None:
    clip = load_clips()[0]
    sound = np.frombuffer(b"".join(packets_of(clip)), np.int16)
    assert np.array_equal(sound[: len(clip.pcm)], clip.pcm)
    assert not sound[len(clip.pcm) :].any()
    assert len(sound) % (SAMPLE_RATE // 50) == 0


# --- the wire --------------------------------------------------------------------------------------------------------


async def test_wire_speaks_websocket_with_a_server_that_is_not_ours() -> None:
    heard: list[tuple[WSMsgType, object]] = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for size in (10, 1000, 100_000):
            await socket.send_str("x" * size)
        await socket.ping(b"?")
        async for message in socket:
            heard.append((message.type, message.data))
            if message.data == "bye":
                await socket.close(code=1000)
        return socket

    texts, codes, opened = list[int](), list[int](), asyncio.Event()
    over = asyncio.Event()

    def closed(code: int) -> None:
        codes.append(code)
        over.set()

    async with serving(handler) as port:
        wire = FastWebSocket("127.0.0.1", port, opened.set, lambda text: texts.append(len(text)), closed)
        wire.send_audio(audio_frame(b"early"))  # before there is a connection: kept, and sent in order
        await asyncio.get_running_loop().create_connection(lambda: wire, "127.0.0.1", port)
        await asyncio.wait_for(opened.wait(), 5)
        wire.send_audio(audio_frame(bytes(range(256)) * 3))
        wire.send_text("bye")
        await asyncio.wait_for(over.wait(), 5)
    assert texts == [10, 1000, 100_000]
    assert codes == [1000]
    assert heard == [
        (WSMsgType.BINARY, b"early"),
        (WSMsgType.BINARY, bytes(range(256)) * 3),
        (WSMsgType.TEXT, "bye"),
    ]


async def test_a_refusal_is_told_by_its_status() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=503)

    code = asyncio.get_running_loop().create_future()
    async with serving(handler) as port:
        wire = FastWebSocket("127.0.0.1", port, lambda: None, lambda _: None, code.set_result)
        await asyncio.get_running_loop().create_connection(lambda: wire, "127.0.0.1", port)
        assert await asyncio.wait_for(code, 5) == 503


class serving:  # noqa: N801 - reads like the context manager it is
    """An aiohttp server with one handler, for a block."""

    def __init__(self, handler: object) -> None:
        app = web.Application()
        app.router.add_get("/v1/stream", handler)  # type: ignore[arg-type]
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> int:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


# --- clients against a real server -----------------------------------------------------------------------------------


async def test_clients_hear_what_each_hears_alone() -> None:
    async with serve_locally(ServerConfig(max_load=0), model="demo") as url:  # a busy machine would refuse streams
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        start = time.monotonic() + 1.0
        plan = ClientPlan(address.hostname, address.port, 0, 4, 160, start, 0.5, 6.5, end_timeout=120.0)
        report = await asyncio.to_thread(run_clients, plan)
    assert report.errors == {}
    assert report.missing == 0
    assert len(report.lateness) > 4 * 300
    assert report.final_after_finalize and min(report.final_after_finalize) > 0  # noqa: PT018 - one fact
    assert report.lag
    assert {stream for stream, _, _, _ in report.texts} == {0, 1, 2}  # the fourth leaves its turns to the server
    alone = reference_texts(load_checkpoint("demo"), [0, 1, 2], 160, 6.5, device="cpu", threads=1)
    for stream, index, _, text in report.texts:
        assert plain(text) == plain(alone[stream, index])


def test_a_server_that_is_not_there_is_an_error_of_every_stream() -> None:
    plan = ClientPlan("127.0.0.1", 9, 0, 2, 160, time.monotonic() + 0.6, 0.1, 0.5)
    report = run_clients(plan)
    assert sum(report.errors.values()) == 2


# --- the verdict -----------------------------------------------------------------------------------------------------


def test_a_good_run_has_no_problems() -> None:
    assert problems(GOOD) == []
    assert problems(GOOD, soak=True) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"client_lateness": Spread.of([0.02])}, "void"),
        ({"final_after_finalize": Spread.of([0.32])}, "finals late"),
        ({"final_after_finalize": Spread.of([])}, "no final"),
        ({"step_p99": 0.17}, "steps too long"),
        ({"drift": 0.2}, "lag grows"),
        ({"missing": 1}, "1 finals missing"),
        ({"errors": {"closed 1006": 1}}, "closed 1006"),
        ({"word_error_rate": 10.2}, "error rate"),
    ],
)
def test_each_fault_is_a_problem(change: dict[str, object], problem: str) -> None:
    (found,) = problems(replace(GOOD, **change))  # type: ignore[arg-type]
    assert problem in found


def test_growth_shows_only_in_a_soak() -> None:
    growing = replace(
        GOOD, memory_megabytes={"gateway": [100.0 + second for second in range(40)], "worker": [5.0] * 40}
    )
    assert problems(growing) == []
    assert [problem.split()[0] for problem in problems(growing, soak=True)] == ["gateway"]
    assert growth({"worker": [1.0, 2.0]}) == {}


# --- what is watched -------------------------------------------------------------------------------------------------


def test_quantiles_from_a_histogram() -> None:
    after = histogram(HISTOGRAMS, "steps")
    assert after == {0.01: 10, 0.02: 100, float("inf"): 100}
    assert quantile({}, after, 0.5) == pytest.approx(0.01 + 0.01 * 40 / 90)
    assert quantile(after, after, 0.5) == 0.0
    assert histogram(HISTOGRAMS, "steps", 'chunk_ms="80"')[0.02] == 20
    assert histogram(HISTOGRAMS, "other") == {float("inf"): 7}


def test_processes_are_measured() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "x = bytearray(30_000_000)\nwhile True: pass"])
    try:
        while cpu_seconds(busy.pid) <= 0.2:  # a busy machine takes longer over it; the test's timeout ends a count of 0
            time.sleep(0.05)
        assert resident_bytes(busy.pid) > 30_000_000
    finally:
        busy.kill()
        busy.wait()
    assert resident_bytes(busy.pid) == cpu_seconds(busy.pid) == 0
    assert cpu_seconds(os.getpid()) > 0
