from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from auricle_server.bench.fleet.scenarios import SCENARIOS, FleetRun, Scenario, fleet_options, run
from auricle_server.bench.sizing.models import CannotSize
from auricle_server.bench.sizing.sizing import SizeOptions
from tests.auricle_server.bench.sizing.records import COMMITTED

CPU = SizeOptions(streams=1, latency_ms=560, results=COMMITTED)
SHORT = Scenario(seconds=60.0, call_seconds=20.0)


def test_a_run_leaves_a_record_that_says_what_is_simulated_and_how_it_is_known(tmp_path: Path) -> None:
    asked = FleetRun(size=CPU, servers=8, scenarios={"one": SHORT, "two": replace(SHORT, load=1.2)}, out=tmp_path)
    lines: list[str] = []
    result = run(asked, lines.append)
    [path] = tmp_path.iterdir()
    assert json.loads(path.read_text())["figures"] == result["figures"]
    figures = result["figures"]
    assert (result["kind"], figures["simulated"], figures["basis"]) == ("fleet", True, "measured")
    assert figures["server"] == "2 cores of AMD EPYC"
    assert set(figures["scenarios"]) == {"one", "two"}
    assert figures["scenarios"]["two"]["refused"] > figures["scenarios"]["one"]["refused"]
    assert result["machine"]["name"]
    assert any("two:" in line for line in lines)
    # Of a GPU without records it says that it is arithmetic; tmp_path has none.
    gpu = replace(
        asked, size=replace(CPU, gpu="L4", efficiency=0.05), servers=2, scenarios={"one": SHORT}, out=tmp_path / "gpu"
    )
    assert run(gpu, lines.append)["figures"]["basis"] == "arithmetic"


def test_every_scenario_can_be_run_on_a_million_streams() -> None:
    for scenario in SCENARIOS.values():
        options = fleet_options(scenario, scenario.servers or 1000, 1467)
        assert options.proxies * 30_000 >= options.servers * 1467 * 0.99
        assert scenario.seconds / scenario.tick < 50_000
    day = fleet_options(SCENARIOS["day"], 1000, 1467)
    assert day.traffic.rate(43_200) == max(day.traffic.rate(hour * 3600.0) for hour in range(24))


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (replace(SHORT, load=-1.0), "--load -1"),
        (replace(SHORT, seconds=0.0), "--seconds 0"),
        (replace(SHORT, tick=0.0), "--tick 0"),
        (replace(SHORT, call_seconds=float("inf")), "--call-seconds inf"),
        (replace(SHORT, lowest=0.0), "--lowest 0"),
        (replace(SHORT, outages=replace(SHORT.outages, drain=-1.0)), "--drain -1"),
        (replace(SHORT, outages=replace(SHORT.outages, update_at_once=0)), "--update-at-once 0"),
        (replace(SHORT, outages=replace(SHORT.outages, zones=0)), "--zones 0"),
        (replace(SHORT, outages=replace(SHORT.outages, crashes=-1.0)), "--crashes -1"),
    ],
)
def test_what_makes_no_sense_is_named(scenario: Scenario, message: str) -> None:
    with pytest.raises(CannotSize) as raised:
        run(FleetRun(size=CPU, servers=2, scenarios={"own": scenario}), print)
    assert message in str(raised.value)
    with pytest.raises(CannotSize, match="--servers 0"):
        run(FleetRun(size=CPU, servers=0, scenarios={}), print)
