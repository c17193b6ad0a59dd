"""The job for KubeRay: its pods against Kubernetes' schemas, and its command against the command line.

No schema of RayJob itself is on PyPI or in Debian, and no cluster has run it; the page says so.
"""

from __future__ import annotations

import json
import re
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from auricle_server.commands.app import app
from tests.deploy.programs import DEPLOY, output, program

FILE = DEPLOY / "ray" / "rayjob.yaml"
JOB: dict[str, Any] = yaml.safe_load(FILE.read_text())
CLUSTER = JOB["spec"]["rayClusterSpec"]
TEMPLATES = {
    "head": CLUSTER["headGroupSpec"]["template"],
    **{group["groupName"]: group["template"] for group in CLUSTER["workerGroupSpecs"]},
}
DOCKERFILE = DEPLOY / "ray" / "Dockerfile"


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_pods_are_pods(name: str, tmp_path: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": TEMPLATES[name]["spec"]}
    (tmp_path / "pod.yaml").write_text(json.dumps(pod))
    output(program("kubernetes-validate"), "--strict", tmp_path / "pod.yaml")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_pod_is_not_root_and_mounts_what_it_has(name: str) -> None:
    spec = TEMPLATES[name]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    [container] = spec["containers"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in spec["volumes"]}


def test_the_job_calls_the_command_with_a_worker_for_each_gpu() -> None:
    program_name, command, *arguments = shlex.split(JOB["spec"]["entrypoint"])
    assert (program_name, command) == ("auricle", "archive")
    group: Any = typer.main.get_command(app)
    context = group.commands[command].make_context(command, arguments)
    assert context.params["address"] == "auto"
    assert context.params["workers"] == sum(group["replicas"] for group in CLUSTER["workerGroupSpecs"])
    [worker] = TEMPLATES["gpu"]["spec"]["containers"]
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_one_version_of_ray_everywhere() -> None:
    pinned = metadata.version("ray")
    assert CLUSTER["rayVersion"] == pinned
    assert re.findall(r"ray\[[^]]+\]==([\d.]+)", DOCKERFILE.read_text()) == [pinned]


def test_the_image_is_linted() -> None:
    output(program("hadolint"), DOCKERFILE)
