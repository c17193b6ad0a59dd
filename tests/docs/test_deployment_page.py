"""What the page on deployment and the files in `deploy/` say of a stop, beside what a server takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from auricle_server.config import ServerConfig
from auricle_server.serving.processes import STOP_SECONDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deployment.md").read_text()
DOCKER_SECONDS = 10.0
"""What `docker stop` waits before it kills, unless it is told otherwise."""


def test_the_default_drain_fits_into_what_docker_waits() -> None:
    config = ServerConfig()
    assert config.drain_seconds + STOP_SECONDS < DOCKER_SECONDS
    assert f"`--drain-seconds` ({config.drain_seconds:g})" in PAGE
    assert f"at most {STOP_SECONDS:g} seconds after its drain" in PAGE


def test_kubernetes_waits_for_the_drain_that_it_sets() -> None:
    text = (ROOT / "deploy" / "kubernetes.yaml").read_text()
    objects: dict[str, Any] = {each["kind"]: each for each in yaml.safe_load_all(text)}
    deployment, variables = objects["Deployment"], objects["ConfigMap"]["data"]
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    assert float(variables["AURICLE_DRAIN_SECONDS"]) + STOP_SECONDS < pod["terminationGracePeriodSeconds"]
