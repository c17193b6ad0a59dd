"""HAProxy with the configuration of `deploy/haproxy`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.programs import DEPLOY, free_ports, program, running

CONFIG = DEPLOY / "haproxy" / "haproxy.cfg"


@contextmanager
def haproxy(ports: Sequence[int], folder: Path, metrics: int | None = None) -> Iterator[str]:
    """HAProxy before the servers at these ports; yields its URL.

    Args:
        ports: Of the servers, in the order of their names.
        folder: Gets its log.
        metrics: Port of its metrics; None takes a free one.
    """
    command = program("haproxy", debian="haproxy")
    port, free = free_ports(2)
    metrics = metrics or free
    variables = {f"AURICLE_{number}": f"127.0.0.1:{each}" for number, each in enumerate(ports, start=1)}
    variables |= {"AURICLE_BIND": f"127.0.0.1:{port}", "AURICLE_METRICS_BIND": f"127.0.0.1:{metrics}"}
    with running(command, "-f", CONFIG, port=port, log=folder / "haproxy.log", variables=variables):
        yield f"ws://127.0.0.1:{port}"
