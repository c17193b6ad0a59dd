"""The rules for Prometheus: promtool takes them, and metrics and runbooks that they name exist."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from auricle_server.telemetry.metrics import Metrics
from docs.tables.alerts import RULES, rules
from tests.deploy.programs import ROOT, output, program

ALERTS = [rule for rule in rules() if "alert" in rule]
RECORDS = [rule for rule in rules() if "record" in rule]
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
TESTS: list[dict[str, Any]] = yaml.safe_load(RULES.with_suffix(".test.yaml").read_text())["tests"]


def sample_names() -> set[str]:
    """Every name that a page of `/metrics` may have before its labels."""
    names = set()
    for metric in Metrics().registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(metric.type, [""])
        names |= {metric.name + suffix for suffix in suffixes}
    return names


def test_promtool_takes_the_rules_and_their_tests_hold() -> None:
    promtool = program("promtool", debian="prometheus")
    assert f"SUCCESS: {len(ALERTS) + len(RECORDS)} rules found" in output(promtool, "check", "rules", RULES)
    output(promtool, "test", "rules", RULES.with_suffix(".test.yaml"))
    output(promtool, "check", "config", RULES.with_name("prometheus.yaml"))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_uses_metrics_and_records_that_exist(rule: dict[str, Any]) -> None:
    known = sample_names() | {each["record"] for each in RECORDS} | {"up"}
    expression = re.sub(r'"[^"]*"', "", rule["expr"])
    used = set(re.findall(r"\b(?:\w+:)*auricle_\w+(?::\w+)*", expression)) | set(re.findall(r"\bup\b", expression))
    assert used
    assert used <= known


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    sections = re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)
    assert sections == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/runbooks.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_every_runbook_says_what_the_alert_means_and_what_to_do() -> None:
    for section in re.split(r"^## ", RUNBOOKS, flags=re.MULTILINE)[1:]:
        assert "\n**Means:** " in section
        assert "\n1. " in section


def test_every_alert_fires_in_a_test_and_stays_silent_in_one() -> None:
    checks = [check for test in TESTS for check in test.get("alert_rule_test", [])]
    firing = {check["alertname"] for check in checks if check["exp_alerts"]}
    silent = {check["alertname"] for check in checks if not check["exp_alerts"]}
    names = {rule["alert"] for rule in ALERTS}
    at_once = {rule["alert"] for rule in ALERTS if "for" not in rule}
    assert firing == names
    assert names - silent <= at_once


def test_a_runbook_names_metrics_and_records_that_exist() -> None:
    known = (
        sample_names()
        | {each["record"] for each in RECORDS}
        | {metric.removesuffix("_bucket") for metric in sample_names()}
    )
    named = set(re.findall(r"`[^`]*?((?:\w+:)*auricle_\w+(?::\w+)*)[^`]*`", RUNBOOKS))
    assert named
    assert named <= known
