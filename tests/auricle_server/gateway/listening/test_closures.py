"""What is closed before it is a stream is counted each time, and logged a few times."""

from __future__ import annotations

import asyncio

import pytest

from auricle_server.gateway.listening import closures as module
from auricle_server.gateway.listening.closures import Closures
from auricle_server.telemetry.metrics import Metrics


async def test_a_series_takes_a_few_lines_of_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOG_SECONDS", 0.05)
    metrics = Metrics()
    closures = Closures(metrics)
    for number in range(1000):
        closures.add("slow", "192.0.2.1" if number % 4 else "192.0.2.2")
    closures.add("malformed", "192.0.2.3")
    assert caplog.messages == ["closed without a stream reason=slow count=1 addresses=1 most=192.0.2.2 (1)"]
    await asyncio.sleep(0.2)
    assert sorted(caplog.messages[1:]) == [
        "closed without a stream reason=malformed count=1 addresses=1 most=192.0.2.3 (1)",
        "closed without a stream reason=slow count=999 addresses=2 most=192.0.2.1 (750)",
    ]
    closures.add("slow", "192.0.2.1")  # a new series is logged at once
    closures.add("slow", "192.0.2.1")
    closures.close()
    assert len(caplog.messages) == 5
    assert metrics.registry.get_sample_value("auricle_connections_closed_total", {"reason": "slow"}) == 1002
