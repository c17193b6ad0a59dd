"""What one stream of a key adds to metrics and lines."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.keys.count_table import CountTable
from auricle_server.gateway.keys.key_limits import KeyLease
from auricle_server.gateway.keys.shared_counts import SharedCounts
from auricle_server.gateway.keys.stream_usage import REPORT_SECONDS, StreamUsage
from auricle_server.gateway.keys.usage_log import UsageLog
from auricle_server.telemetry.metrics import Metrics

KEY = ApiKey(name="one", digest=b"")


def test_lines_add_up_to_what_was_used(tmp_path: Path) -> None:
    path, counts, metrics = tmp_path / "usage.jsonl", CountTable(SharedCounts()), Metrics()
    usage_log = UsageLog(str(path))
    usage = StreamUsage(KEY, KeyLease(counts, KEY, 0.0), metrics, usage_log)
    usage.begin("abc")
    usage.add(1.5, 1)
    usage.report(time.monotonic())
    usage.report(time.monotonic() + REPORT_SECONDS)
    usage.add(2.0, 2)
    assert counts.held("one") == 1
    usage.end()
    usage.end()
    usage_log.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(line.pop("time").endswith("+00:00") for line in lines)
    common = {"key": "one", "session": "abc"}
    assert lines == [
        {**common, "streams": 1, "audio_seconds": 1.5, "finals": 1, "ended": False},
        {**common, "streams": 0, "audio_seconds": 2.0, "finals": 2, "ended": True},
    ]
    assert (counts.held("one"), usage.over) == (0, True)
    text = metrics.text().decode()
    for name, value in (("streams", 0), ("streams_opened_total", 1), ("audio_seconds_total", 3.5), ("finals_total", 3)):
        assert f'auricle_key_{name}{{key="one"}} {float(value)}' in text


def test_a_stream_that_never_began_leaves_no_line(tmp_path: Path) -> None:
    path, counts = tmp_path / "usage.jsonl", CountTable(SharedCounts())
    usage_log = UsageLog(str(path))
    usage = StreamUsage(KEY, KeyLease(counts, KEY, 0.0), Metrics(), usage_log)
    usage.cancel()
    usage_log.close()
    assert (counts.held("one"), counts.events("one", 0.0), path.exists()) == (0, 0, False)


def test_a_stream_that_the_server_fails_may_be_opened_again() -> None:
    counts = CountTable(SharedCounts())
    usage = StreamUsage(KEY, KeyLease(counts, KEY, 0.0), Metrics(), None)
    usage.begin("abc")
    usage.lose()
    usage.end()
    now = time.monotonic()
    assert (counts.held("one"), counts.lost("one", now)) == (0, 1)


@pytest.mark.parametrize("finals", [0, 1])
def test_without_a_file_only_the_metrics_count(finals: int) -> None:
    metrics = Metrics()
    usage = StreamUsage(KEY, KeyLease(CountTable(SharedCounts()), KEY, 0.0), metrics, None)
    usage.begin("abc")
    usage.add(1.0, finals)
    usage.end()
    assert f'auricle_key_finals_total{{key="one"}} {float(finals)}' in metrics.text().decode()
