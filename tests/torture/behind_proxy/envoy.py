"""Envoy with the configuration of `deploy/envoy`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.programs import DEPLOY, free_ports, program, running

CONFIG = DEPLOY / "envoy" / "envoy.yaml"


@contextmanager
def envoy(ports: Sequence[int], folder: Path) -> Iterator[str]:
    """Envoy before the servers at these ports; yields its URL."""
    command = program("envoy")
    port, admin = free_ports(2)
    places = {f"auricle-{number}": each for number, each in enumerate(ports, start=1)}
    places |= {"0.0.0.0": port, "127.0.0.1": admin}
    config = folder / "envoy.json"
    config.write_text(json.dumps(_placed(yaml.safe_load(CONFIG.read_text()), places)))
    options = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
    with running(command, "-c", config, *options, port=port, log=folder / "envoy.log"):
        yield f"ws://127.0.0.1:{port}"


def _placed(node: Any, ports: dict[str, int]) -> Any:
    """The configuration with all addresses on this machine, each at a port of its own: Envoy reads no variables."""
    if isinstance(node, dict):
        if "port_value" in node:
            return {"address": "127.0.0.1", "port_value": ports[node["address"]]}
        return {name: _placed(value, ports) for name, value in node.items()}
    return [_placed(each, ports) for each in node] if isinstance(node, list) else node
