"""Renders, lints and validates the chart; runs with the Python of `make deploy-tools`, which has Helm's library.

Reads from standard input, as JSON, values by the name of a case; writes for each the objects and what is wrong.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import helm_python as helm
import kubernetes_validate
import yaml

VERSIONS = ("1.29", "1.37")
"""Of Kubernetes: one that is old, and the newest that the validator has."""
RELEASE, NAMESPACE = "speech", "voice"


def checked(chart: Any, path: str, values: dict[str, Any]) -> dict[str, Any]:
    """What comes of a case: `error` alone, where the chart does not take the values."""
    try:
        files = chart.render(values, name=RELEASE, namespace=NAMESPACE)
    except helm.HelmError as error:
        return {"error": str(error)}
    report = helm.lint(path, values, strict=True)
    objects = {
        name.rpartition("/")[2].removesuffix(".yaml"): each
        for name, text in sorted(files.items())
        if name.endswith(".yaml") and (each := yaml.safe_load(text)) is not None
    }
    findings = [each["error"] for each in report["messages"] if each["severity"] > 1] + report["errors"]
    invalid, unknown = [], []
    for name, each in objects.items():
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(each, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                invalid.append(f"{name} in {version}: {error.message} at {list(error.path)}")
            except kubernetes_validate.SchemaNotFoundError:
                unknown.append(name)
    return {"objects": objects, "findings": findings, "invalid": invalid, "unknown": sorted(set(unknown))}


def main() -> None:
    """One case after the other."""
    path = sys.argv[1]
    chart = helm.Chart.load(path)
    json.dump({name: checked(chart, path, values) for name, values in json.load(sys.stdin).items()}, sys.stdout)


if __name__ == "__main__":
    main()
