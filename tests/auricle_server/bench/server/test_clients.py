from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

from auricle_server.bench.server.clients import ClientPlan, Report, run_clients
from auricle_server.bench.server.expected_words import reference_texts
from auricle_server.bench.transcripts import plain
from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine.build import Hardware
from auricle_server.serving.in_process_server import serve_locally


async def test_transcripts_of_clients_equal_those_of_each_stream_alone() -> None:
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
    alone = reference_texts(load_checkpoint("demo"), [0, 1, 2], 160, 6.5, hardware=Hardware("cpu"), threads=1)
    for stream, index, _, text in report.texts:
        assert plain(text) == plain(alone[stream, index])


def test_a_missing_server_is_an_error_of_every_stream() -> None:
    plan = ClientPlan("127.0.0.1", 9, 0, 2, 160, time.monotonic() + 0.6, 0.1, 0.5)
    report = run_clients(plan)
    assert sum(report.errors.values()) == 2


def test_reports_of_processes_add_up() -> None:
    one, other = Report(missing=1, texts=[(0, 0, 3, "a")]), Report(cut_ins=2, texts=[(4, 0, 1, "b")])
    one.lateness.append(0.001)
    other.lateness.append(0.002)
    for failed in (one, other, other):
        failed.failed("closed 1006")
    one.add(other)
    assert list(one.lateness) == [0.001, 0.002]
    assert (one.missing, one.cut_ins, one.errors) == (1, 2, {"closed 1006": 3})
    assert [text for *_, text in one.texts] == ["a", "b"]
