"""The short form of `make torture`: everything in it, a fortieth of its hour, on a machine that may be busy."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from auricle_server.bench.report.results import serialised
from tests.torture.plan import Plan
from tests.torture.report import markdown, record_of
from tests.torture.run import torture

SHORT = Plan(minutes=1.0, steady_calls=6, battered_calls=4, answer_timeout=30.0)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_nothing_is_lost_doubled_ended_or_harmed(tmp_path: Path) -> None:
    report = await torture(SHORT, tmp_path)
    record = record_of(report)
    assert report.holds, markdown(record)
    assert serialised(record)
    totals = record["figures"]["totals"]
    assert (totals["words_lost"], totals["words_added"], totals["calls_ended_by_us"]) == (0, 0, 0)
    assert totals["words"] > 1000
    done = {trial.name: trial.counts for trial in report.trials}
    assert done["fuzzed messages"]["messages"] >= SHORT.scaled(1_000_000)
    assert done["cut connections"]["cuts"] == SHORT.scaled(2_000)
    assert done["short streams"]["calls"] > SHORT.scaled(3_000) / 2
    assert done["fuzzed formats"]["messages"] >= SHORT.scaled(60_000)
    assert done["fuzzed uploads"]["requests"] == SHORT.scaled(1_800)
    assert done["fuzzed Riva"].total() > SHORT.scaled(1_200) or importlib.util.find_spec("grpc") is None
    assert done["killed processes"].total() > 5
