"""The compose file: its schema, the files that it mounts, and what its services say to each other."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from auricle_server.config import ServerConfig, from_environment
from auricle_server.serving.processes import STOP_SECONDS
from tests.deploy.images import KINDS, final
from tests.deploy.programs import DEPLOY, ROOT, output, program

COMPOSE = DEPLOY / "compose.yaml"
FILE: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
SERVERS = [name for name in SERVICES if name.startswith("auricle-")]
HAPROXY = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()


def config_of(name: str) -> ServerConfig:
    """What a server reads of its environment, where nobody has set a variable for compose."""
    found = {key: re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value)) for key, value in SERVICES[name]["environment"].items()}
    return from_environment(found)


def test_the_file_follows_the_specification() -> None:
    output(program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_each_profile_has_two_servers_and_what_watches_them() -> None:
    for profile in ("cpu", "gpu"):
        names = [name for name, service in SERVICES.items() if profile in service["profiles"]]
        servers = [name for name in names if name in SERVERS]
        assert len(servers) == 2
        assert set(names) - set(servers) == {"haproxy", "prometheus", "grafana"}
        assert [config_of(name).server_name for name in servers] == ["auricle-1", "auricle-2"]
        for name in servers:
            aliases = SERVICES[name].get("networks", {}).get("default", {}).get("aliases", [name])
            assert aliases == [config_of(name).server_name]


def test_haproxy_and_prometheus_know_the_servers_by_their_names() -> None:
    names = {config_of(name).server_name for name in SERVERS}
    assert names <= set(re.findall(r"^    server (\S+) ", HAPROXY, re.MULTILINE))
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    [scrape] = [each for each in prometheus["scrape_configs"] if each["job_name"] == "auricle"]
    assert set(scrape["dns_sd_configs"][0]["names"]) == names


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_of_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, target = volume.split(":")[:2]
        assert target.startswith("/")
        if source.startswith("."):
            assert (DEPLOY / source).exists()
            assert volume.endswith(":ro")
        else:
            assert source in FILE["volumes"]


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_has_the_user_and_the_volumes_of_its_image(name: str) -> None:
    service = SERVICES[name]
    kind = service["image"].removeprefix("auricle:")
    assert kind in KINDS
    assert service["build"] == {"context": "..", "dockerfile": f"docker/{kind}.Dockerfile"}
    assert [service["user"]] == final(kind, "USER")
    assert {volume.split(":")[1] for volume in service["volumes"]} == set(yaml.safe_load(final(kind, "VOLUME")[0]))
    assert config_of(name).keys_file == "/var/lib/auricle/keys.toml"


@pytest.mark.parametrize("name", SERVERS)
def test_compose_waits_for_the_drain_that_it_sets(name: str) -> None:
    grace = float(SERVICES[name]["stop_grace_period"].removesuffix("s"))
    assert config_of(name).drain_seconds + STOP_SECONDS < grace


def test_only_haproxy_is_open_to_other_machines() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports.pop("haproxy") == ["8765:8765"]
    assert set(ports) == {"prometheus", "grafana"}
    assert all(each.startswith("127.0.0.1:") for listed in ports.values() for each in listed)


def test_grafana_finds_its_dashboard_and_prometheus() -> None:
    folder = DEPLOY / "grafana" / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load((folder / "dashboards" / "auricle.yaml").read_text())["providers"]
    mounted = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/auricle.json" in mounted


def test_the_pages_name_profiles_and_services_that_exist() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text()
    commands = re.findall(
        r"^docker compose -f deploy/compose.yaml --profile (\w+) (?:run --rm (\S+)|up)", page, re.MULTILINE
    )
    assert commands
    for profile, service in commands:
        assert profile in {"cpu", "gpu"}
        assert not service or profile in SERVICES[service]["profiles"]
