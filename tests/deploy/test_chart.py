"""The chart: every case of its values gives valid objects that say to Kubernetes what the server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from auricle_server.config import from_environment
from auricle_server.served_models import parse_models
from auricle_server.serving.processes import STOP_SECONDS
from docs.tables.alerts import RULES
from tests.deploy.charts import CASES, CHART, PLAIN, REFUSED, SNAPSHOT_CASES, SNAPSHOTS, plain, results, written
from tests.deploy.programs import DEPLOY, output, program
from tests.deploy.test_rules import sample_names

OF_OPERATORS = {"httproute", "servicemonitor", "prometheusrule", "scaledobject"}
"""Objects that are no part of Kubernetes itself: the validator has no schema of them."""


@pytest.fixture(autouse=True, scope="module")
def tools() -> None:
    program("kubernetes-validate")


def objects(name: str) -> dict[str, Any]:
    found: dict[str, Any] = results()[name]["objects"]
    return found


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = objects(name)["deployment"]["spec"]["template"]["spec"]
    return found


def container(name: str) -> dict[str, Any]:
    [found] = pod(name)["containers"]
    return dict(found)


@pytest.mark.parametrize("name", CASES)
def test_a_case_gives_valid_objects(name: str) -> None:
    result = results()[name]
    assert "error" not in result, result
    assert (result["findings"], result["invalid"]) == ([], [])
    assert set(result["unknown"]) <= OF_OPERATORS
    assert {"deployment", "service", "configmap"} <= set(result["objects"])


@pytest.mark.parametrize("name", REFUSED)
def test_a_slip_in_the_values_is_refused_in_words(name: str) -> None:
    error = results()[name].get("error", "")
    assert REFUSED[name][1] in error


@pytest.mark.parametrize("name", CASES)
def test_the_server_takes_what_the_chart_sets(name: str) -> None:
    variables = dict(objects(name)["configmap"]["data"])
    variables |= {
        each["name"]: each.get("value", "of-a-secret-of-many-characters-12345") for each in container(name)["env"]
    }
    config = from_environment(variables)
    assert (config.host, config.port) == ("0.0.0.0", 8765)
    assert config.workers == CASES[name].get("gpu", {}).get("count", 1)
    assert bool(config.api_keys or config.keys_file) != config.no_auth
    assert (config.token_secret is not None) == (name == "tokens")  # of all pods the same, for each other's tokens


def test_several_models_arrive_with_the_default_first() -> None:
    model = objects("models")["configmap"]["data"]["AURICLE_MODEL"]
    en, multi = parse_models(model)
    assert (en.name, en.source, en.slots, en.share) == (
        "en",
        "nvidia/nemotron-speech-streaming-en-0.6b",
        1_000_000,
        1.5,
    )
    assert (multi.name, multi.source, multi.latency_ms, multi.device) == ("multi", "/models/multi", 560, "cpu")


def test_large_numbers_arrive_as_they_are_written() -> None:
    """Helm reads numbers as floating point, and would write 2097152 as 2.097152e+06."""
    config = from_environment(objects("settings")["configmap"]["data"])
    assert (config.slots, config.limits.message_bytes, config.limits.idle_seconds) == (1_000_000, 2_097_152, 30.5)
    assert (config.riva_port, config.default_latency_ms, config.gateways) == (50051, 160, 4)


@pytest.mark.parametrize("name", CASES)
def test_kubernetes_waits_for_the_drain(name: str) -> None:
    config = from_environment(objects(name)["configmap"]["data"])
    [_, sleep] = container(name)["lifecycle"]["preStop"]["exec"]["command"]
    assert float(sleep) + config.drain_seconds + STOP_SECONDS < pod(name)["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", CASES)
def test_no_container_is_root_or_writes_to_its_image(name: str) -> None:
    assert pod(name)["securityContext"]["runAsNonRoot"]
    assert pod(name)["automountServiceAccountToken"] is False
    for each in [*pod(name)["containers"], *pod(name).get("initContainers", [])]:
        assert each["securityContext"]["readOnlyRootFilesystem"]
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        mounts = {mount["mountPath"] for mount in each["volumeMounts"] if not mount.get("readOnly")}
        assert mounts == {"/tmp", "/models"}


@pytest.mark.parametrize("name", CASES)
def test_what_selects_the_pods_finds_them(name: str) -> None:
    labels = objects(name)["deployment"]["spec"]["template"]["metadata"]["labels"].items()
    spec = {kind: each["spec"] for kind, each in objects(name).items() if "spec" in each}
    selectors = [spec["service"]["selector"], spec["deployment"]["selector"]["matchLabels"]]
    selectors += [spec[kind]["selector"]["matchLabels"] for kind in ("pdb",) if kind in spec]
    selectors += [spec[kind]["podSelector"]["matchLabels"] for kind in ("networkpolicy",) if kind in spec]
    assert all(selector.items() <= labels for selector in selectors)
    ports = {port["name"] for port in container(name)["ports"]}
    assert {port["targetPort"] for port in spec["service"]["ports"]} <= ports
    for kind in ("hpa", "scaledobject"):
        if kind in spec:
            assert spec[kind]["scaleTargetRef"]["name"] == objects(name)["deployment"]["metadata"]["name"]
            assert "replicas" not in spec["deployment"]


def test_each_gpu_has_a_worker_and_mig_is_a_resource_like_another() -> None:
    assert container("gpu")["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert container("two-gpus")["resources"]["limits"]["nvidia.com/gpu"] == 2
    assert container("mig")["resources"]["limits"]["nvidia.com/mig-3g.40gb"] == 1
    assert "nvidia.com/gpu" not in container("mig")["resources"]["limits"]
    assert container("gpu")["image"] == "auricle:cuda"
    assert container("cpu")["image"] == "auricle:cpu"


def test_keda_asks_prometheus_for_streams_over_capacity(tmp_path: Path) -> None:
    [trigger] = objects("keda")["scaledobject"]["spec"]["triggers"]
    assert (trigger["metricType"], trigger["metadata"]["threshold"]) == ("Value", "0.75")
    query = trigger["metadata"]["query"]
    of_models = "auricle_model_slots_used", "auricle_model_capacity_streams"
    assert all(name in query and name in sample_names() for name in (*of_models, "auricle_ready"))
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "keda", "rules": [{"record": "a", "expr": query}]}]}))
    assert "SUCCESS" in output(program("promtool", debian="prometheus"), "check", "rules", rules)


def test_the_hpa_aims_at_the_same_share() -> None:
    [metric] = objects("hpa")["hpa"]["spec"]["metrics"]
    assert metric["external"]["target"] == {"type": "Value", "value": "750m"}


def test_the_chart_brings_the_rules_and_the_dashboard() -> None:
    assert objects("monitoring")["prometheusrule"]["spec"] == yaml.safe_load(RULES.read_text())
    dashboard = objects("monitoring")["dashboard"]["data"]["auricle.json"]
    assert yaml.safe_load(dashboard) == yaml.safe_load((DEPLOY / "grafana" / "auricle.json").read_text())


def test_only_streams_and_recordings_are_open_to_the_outside() -> None:
    for name in ("ingress-nginx", "ingress-haproxy", "ingress-traefik"):
        for rule in objects(name)["ingress"]["spec"]["rules"]:
            assert [path["path"] for path in rule["http"]["paths"]] == ["/v1/", "/v2/"]
    assert objects("ingress-traefik")["ingress"]["metadata"]["annotations"] == {"a.test/b": "c"}


@pytest.mark.parametrize("name", SNAPSHOT_CASES)
def test_the_output_is_that_of_the_snapshot(name: str) -> None:
    kept = (SNAPSHOTS / f"{name}.yaml").read_text()
    assert written(objects(name)) == kept, "after a change that is meant: python -m tests.deploy.charts"


def test_the_file_for_clusters_without_helm_is_written_from_the_chart() -> None:
    assert PLAIN.read_text() == plain(), "run: python -m tests.deploy.charts"


def test_the_schema_names_every_value() -> None:
    values, schema = ((CHART / name).read_text() for name in ("values.yaml", "values.schema.json"))
    compare(yaml.safe_load(values), yaml.safe_load(schema), "values")


def compare(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
    known = schema.get("properties", {})
    assert set(values) <= set(known), path
    for name, value in values.items():
        if isinstance(value, dict) and "properties" in known[name]:
            assert known[name]["additionalProperties"] is False, f"{path}.{name}"
            compare(value, known[name], f"{path}.{name}")
