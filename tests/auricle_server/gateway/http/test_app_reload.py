"""What a running gateway reads anew."""

from __future__ import annotations

import pytest

from tests.auricle_server.fake_engine import FakeEngine
from tests.auricle_server.gateway.worker_bench import HELLO, bench
from tests.auricle_server.raw_client import transcribed


async def test_a_reload_calls_all_and_one_that_fails_says_so_and_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    read: list[str] = []

    def fail() -> None:
        raise ValueError("keys.toml, line 3: expected a name")

    async with bench(FakeEngine()) as table:
        table.gateway.reloaders += [lambda: read.append("certificates"), fail, lambda: read.append("keys")]
        table.gateway.reload()
        assert read == ["certificates", "keys"]
        [error] = [record for record in caplog.records if record.levelname == "ERROR"]
        assert "keys.toml, line 3: expected a name" in error.message
        assert not error.exc_info  # a sentence for an operator, not a stack
        assert await transcribed(table.url, HELLO) == "one two"
