"""What the chart makes of values, case by case. `python -m tests.deploy.charts` writes the snapshots."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.programs import DEPLOY, TOOLS

CHART = DEPLOY / "helm" / "auricle"
PLAIN = DEPLOY / "kubernetes.yaml"
SNAPSHOTS = Path(__file__).parent / "snapshots"
_TOOL = Path(__file__).with_name("chart_tool.py")

Values = dict[str, Any]

KEYS: Values = {"auth": {"keysSecret": "auricle-keys"}}
GPU: Values = {"gpu": {"enabled": True}, "model": "nvidia/nemotron-speech-streaming-en-0.6b"}
MONITORING: Values = {
    "monitoring": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "rules": {"enabled": True, "labels": {"release": "prometheus"}},
        "dashboard": {"enabled": True},
    }
}
CASES: dict[str, Values] = {
    "cpu": KEYS,
    "keys-file": {"auth": {"keysFileSecret": "auricle-keys-file"}},
    "no-keys": {"auth": {"none": True}},
    "tokens": {"auth": {"keysSecret": "auricle-keys", "tokenSecret": "auricle-tokens"}},
    "gpu": KEYS | GPU,
    "two-gpus": KEYS | {"gpu": {"enabled": True, "count": 2, "runtimeClassName": "nvidia"}},
    "mig": KEYS | {"gpu": {"enabled": True, "resource": "nvidia.com/mig-3g.40gb"}},
    "models": KEYS
    | {
        "models": [
            {"name": "en", "source": "nvidia/nemotron-speech-streaming-en-0.6b", "slots": 1_000_000, "share": 1.5},
            {"name": "multi", "source": "/models/multi", "latencyMs": 560, "device": "cpu"},
        ]
    },
    "long-drain": KEYS | {"server": {"drainSeconds": 1800, "preStopSeconds": 15}},
    "settings": KEYS
    | {
        "server": {
            "gateways": 4,
            "slots": 1_000_000,
            "latencyMs": 160,
            "maxLoad": 0.7,
            "logLevel": "DEBUG",
            "logFormat": "text",
            "accessLog": False,
            "logContent": "redacted",
            "rivaPort": 50051,
            "env": {"AURICLE_IDLE_SECONDS": 30.5, "AURICLE_STANDBY": False, "AURICLE_MESSAGE_BYTES": 2_097_152},
        },
        "otel": {
            "endpoint": "http://collector.monitoring:4317",
            "protocol": "grpc",
            "headersSecret": "collector",
            "env": {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": 0.1},
        },
        "networkPolicy": {
            "enabled": True,
            "from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
            "egress": [],
        },
        "nodeSelector": {"gpu": "h200"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "registry"}],
        "podAnnotations": {"example.com/owner": "speech"},
        "podLabels": {"team": "speech"},
    },
    "cache": KEYS | {"modelCache": {"enabled": True, "pull": True, "tokenSecret": "hub", "storageClassName": "nfs"}},
    "existing-cache": KEYS | {"modelCache": {"enabled": True, "existingClaim": "models"}},
    "ingress-nginx": KEYS | {"ingress": {"enabled": True, "className": "nginx", "tls": [{"secretName": "tls"}]}},
    "ingress-haproxy": KEYS
    | {"ingress": {"enabled": True, "controller": "haproxy", "hosts": ["a.example", "b.example"]}},
    "ingress-traefik": KEYS | {"ingress": {"enabled": True, "controller": "traefik", "annotations": {"a.test/b": "c"}}},
    "gateway": KEYS | {"gatewayRoute": {"enabled": True}},
    "hpa": KEYS | {"autoscaling": {"hpa": {"enabled": True, "selector": {"job": "auricle"}}}},
    "keda": KEYS | {"autoscaling": {"keda": {"enabled": True}, "maxReplicas": 40}},
    "monitoring": KEYS | MONITORING,
    "priority": KEYS | {"priorityClass": {"create": True}},
    "existing-priority": KEYS | {"priorityClass": {"name": "live"}},
    "bare": KEYS | {"podDisruptionBudget": {"enabled": False}, "serviceAccount": {"create": False}},
    "names": KEYS | {"fullnameOverride": "asr", "nameOverride": "asr", "service": {"type": "LoadBalancer", "port": 80}},
}
SNAPSHOT_CASES = ("gpu", "keda", "settings")
"""Those whose whole output is kept, beside the plain file for clusters without Helm."""

REFUSED: dict[str, tuple[Values, str]] = {
    "no-auth": ({}, "auth: set one of keysFileSecret, keysSecret and none; set are: none of them"),
    "two-kinds-of-auth": ({"auth": {"keysSecret": "a", "none": True}}, "set are: keysSecret, none"),
    "two-autoscalers": (KEYS | {"autoscaling": {"hpa": {"enabled": True}, "keda": {"enabled": True}}}, "not both"),
    "unknown-value": (KEYS | {"replicas": 3}, "replicas"),
    "unknown-inner-value": (KEYS | {"gpu": {"enable": True}}, "enable"),
    "negative-drain": (KEYS | {"server": {"drainSeconds": -1}}, "drainSeconds"),
    "load-beyond-one": (KEYS | {"server": {"maxLoad": 80}}, "maxLoad"),
    "model-named-like-a-setting": (KEYS | {"models": [{"name": "slots", "source": "demo"}]}, "models/0/name"),
    "two-models-in-one": (KEYS | {"models": [{"name": "en", "source": "demo,slots=0"}]}, "models/0/source"),
    "no-gpu": (KEYS | {"gpu": {"enabled": True, "count": 0}}, "count"),
    "no-resource": (KEYS | {"gpu": {"enabled": True, "resource": "gpu"}}, "resource"),
    "no-url": (KEYS | {"otel": {"endpoint": "collector:4318"}}, "endpoint"),
    "another-variable": (KEYS | {"otel": {"env": {"AURICLE_PORT": "1"}}}, "AURICLE_PORT"),
    "lower-case-variable": (KEYS | {"server": {"env": {"auricle_port": "1"}}}, "auricle_port"),
}


@cache
def results() -> dict[str, dict[str, Any]]:
    """What the chart makes of each case, see `chart_tool`; all are rendered in one process."""
    cases = CASES | {name: values for name, (values, _) in REFUSED.items()}
    command = [TOOLS / "python", _TOOL, CHART]
    done = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def written(objects: dict[str, Any]) -> str:
    """The objects as one file of YAML."""
    text: str = yaml.safe_dump_all(objects.values(), sort_keys=False, width=120)
    return text


PLAIN_HEAD = """# The server on a CPU in Kubernetes, for clusters without Helm. Written from deploy/helm/auricle by
#   python -m tests.deploy.charts
# Build the image with docker/cpu.Dockerfile and push it to where the cluster finds it. Then:
#   kubectl create secret generic auricle-keys --from-literal=keys=FIRST,SECOND
#   kubectl apply -f deploy/kubernetes.yaml
"""


def plain() -> str:
    """`deploy/kubernetes.yaml`: the plainest case, under the name of the project and without traces of Helm."""
    text = (
        written(results()["cpu"]["objects"]).replace("speech-auricle", "auricle").replace(": speech\n", ": auricle\n")
    )
    lines = [
        line for line in text.splitlines() if not line.strip().startswith(("helm.sh/", "app.kubernetes.io/managed"))
    ]
    return PLAIN_HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Writes the snapshots and the plain file."""
    SNAPSHOTS.mkdir(exist_ok=True)
    for name in SNAPSHOT_CASES:
        (SNAPSHOTS / f"{name}.yaml").write_text(written(results()[name]["objects"]))
    PLAIN.write_text(plain())


if __name__ == "__main__":
    main()
