"""HAProxy with the configuration of `deploy/haproxy`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.programs import DEPLOY, PLACES, free_ports, program, running
from tests.torture.behind_proxy.fleet import fleet
from tests.torture.behind_proxy.rolling_restart import LARGE, SMALL, roll
from tests.torture.plan import Plan
from tests.torture.result import TrialResult

CONFIG = DEPLOY / "haproxy" / "haproxy.cfg"


@contextmanager
def haproxy(ports: Sequence[int], folder: Path) -> Iterator[tuple[str, str]]:
    """HAProxy before the servers at these ports; yields its URL, and that of its metrics."""
    command = program("haproxy", debian="haproxy")
    port, metrics = free_ports(2)
    variables = {f"AURICLE_{number}": f"127.0.0.1:{each}" for number, each in enumerate(ports, start=1)}
    variables |= {"AURICLE_BIND": f"127.0.0.1:{port}", "AURICLE_METRICS_BIND": f"127.0.0.1:{metrics}"}
    with running(command, "-f", CONFIG, port=port, log=folder / "haproxy.log", variables=variables):
        yield f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{metrics}/metrics"


async def rolling_restarts(plan: Plan, folder: Path) -> TrialResult:
    """Restarts a fleet behind HAProxy again and again, twenty times in an hour's run."""
    if shutil.which("haproxy", path=PLACES) is None:
        return TrialResult(
            "rolling restarts", "a fleet behind HAProxy", skipped="needs haproxy: apt-get install haproxy"
        )
    ports = free_ports(3)
    async with fleet(folder, ports, (SMALL, LARGE, LARGE)) as servers:
        with haproxy(ports, folder) as (url, _):
            return await roll(url, servers, plan.scaled(20), 1000 * plan.seed + 700, plan.answer_timeout)
