from __future__ import annotations

from typing import Any

from auricle_server.bench.gpu.report import report

BASE: dict[str, Any] = {
    "machine": {"gpu": "NVIDIA H200", "driver": "580.1", "cores": 16, "cpu": "Xeon"},
    "versions": {"python": "3.12.3", "torch": "2.11.0"},
    "commit": "abc1234",
    "options": {},
}


def record(kind: str, figures: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {**BASE, "kind": kind, "figures": figures, "options": options}


def engine(call: float, sustained: int = 6000) -> dict[str, Any]:
    spread = {"p50": 0.009, "p99": 0.02}
    live: dict[str, Any] = dict.fromkeys(("wait", "step", "push"), spread)
    live |= {"streams": 6000, "call": {"p50": call}, "rows": {"p50": 900}}
    figures = {"model": "random-en", "dtype": "bfloat16", "latency_ms": 80, "limit": 9000, "live": live}
    return record("engine", figures | {"sustained_streams": sustained})


def serve(**changed: Any) -> dict[str, Any]:
    load: dict[str, Any] = {
        "streams": 900,
        "latency_ms": 80,
        "ready_seconds": 12.0,
        "client_lateness": {"p99": 0.002},
        "step_p99": 0.01,
        "cores": {"gateway": 2.0, "worker": 1.0},
        "gpu_percent": 40.0,
        **changed,
    }
    tried = [{"streams": 900, "final_p95": 0.1, "step_p99": 0.01, "problems": []}]
    figures = {"model": "random-en", "load": load, "capacity_streams": 900, "tried": tried}
    return record("serve", figures, gateways=5)


def test_the_machine_stands_on_top() -> None:
    assert report([engine(0.009)]).startswith(
        "NVIDIA H200, driver 580.1, 16 cores of Xeon; python 3.12.3, torch 2.11.0; commit abc1234\n"
    )
    assert report([]) == "No results.\n"


def test_what_bounds_an_engine() -> None:
    assert "bound by the device" in report([engine(0.0095)])
    assert "bound by host time" in report([engine(0.02)])
    assert "all that fit into memory" in report([engine(0.009, sustained=9000)])


def test_what_bounds_a_server() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "none of them alone (cores used: gateway 2.0, worker 1.0; GPU busy for 40 %; each gateway 40% of a core)"),
        ({"client_lateness": {"p99": 0.02}}, "the clients, who send 20.0 ms late"),
        ({"step_p99": 0.09}, "the engine's steps, which take longer than a chunk"),
        ({"cores": {"gateway": 4.8}}, "the gateways (cores used"),
        ({"gpu_percent": 97.0}, "the GPU (cores used"),
    ]
    for changed, words in cases:
        assert f"bound by {words}" in report([serve(**changed)])


def test_kernels_and_stages() -> None:
    row = {
        "operation": "attention",
        "kind": "triton",
        "size": "1024 x 1",
        "microseconds": 12.0,
        "rate": 3.5,
        "unit": "TB/s",
    }
    failed = {"name": "tests", "verdict": "failed", "reason": "with code 1 in 9 s", "output": ["an assertion"]}
    done = {"name": "steps", "verdict": "done", "reason": "in 5 s", "output": ["not shown"]}
    text = report([record("kernels", {"rows": [row]}), record("gpu", {"stages": [failed, done]})])
    assert "12.0 us, 3.50 TB/s" in text
    assert "  tests    failed with code 1 in 9 s\n    an assertion\n  steps    done in 5 s\n" in text
    assert "not shown" not in text
