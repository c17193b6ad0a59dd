"""Metrics: alone in a process, and shared by several."""

from __future__ import annotations

import subprocess
import sys

from auricle_server.ipc.messages import StepSample
from auricle_server.telemetry.metrics import Metrics
from auricle_server.telemetry.shared_metrics import MetricMemory, metric_memory

PROCESS = """
import sys
from auricle_server.ipc.messages import StepSample
from auricle_server.telemetry.metrics import Metrics, share_metrics
from auricle_server.telemetry.shared_metrics import MetricMemory
share_metrics(MetricMemory(int(sys.argv[1]), 3), int(sys.argv[2]))
metrics = Metrics()
metrics.streams.inc(int(sys.argv[3]))
metrics.slots.set(64)
metrics.load.labels("0", "predicted").set(0.5)
metrics.audio_seconds.inc(1.5)
metrics.refused.labels("server_full").inc()
metrics.observe_steps([StepSample(80, 3, 0.01), StepSample(160, 5, 0.02)])
print(metrics.text().decode(), flush=True)
sys.stdin.read()
"""


def start(memory: MetricMemory, gateway: int, streams: int) -> subprocess.Popen[str]:
    pipe, descriptor = subprocess.PIPE, memory.descriptor
    command = [sys.executable, "-c", PROCESS, str(descriptor), str(gateway), str(streams)]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, pass_fds=[descriptor])


def shown(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    while line := process.stdout.readline().strip():
        lines.append(line)
    return "\n".join(lines)


def test_metrics_of_one_process() -> None:
    metrics, others = Metrics(), Metrics()
    metrics.observe_steps([StepSample(80, 3, 0.01), StepSample(80, 4, 0.01), StepSample(160, 5, 0.02)])
    metrics.streams.inc()
    text = metrics.text().decode()
    assert 'auricle_step_seconds_count{chunk_ms="80"} 2.0' in text
    assert "auricle_batch_rows_sum 12.0" in text
    assert "auricle_streams 1.0" in text
    assert "auricle_streams 0.0" in others.text().decode()


def test_whichever_process_is_asked_answers_for_all() -> None:
    memory = metric_memory(3)
    assert memory is not None
    one = start(memory, 0, 2)
    alone = shown(one)
    assert "auricle_streams 2.0" in alone
    two = start(memory, 1, 5)
    both = shown(two)
    for line in (
        "auricle_streams 7.0",  # summed
        "auricle_slots 64.0",  # of the workers, so not summed
        'auricle_load{kind="predicted",worker="0"} 0.5',
        "auricle_audio_seconds_total 3.0",
        'auricle_refused_total{code="server_full"} 2.0',
        'auricle_step_seconds_count{chunk_ms="80"} 2.0',
        "auricle_batch_rows_sum 16.0",
    ):
        assert line in both.splitlines()
    assert "pid=" not in both
    for process in (one, two):
        process.communicate(timeout=20)

    memory.area(1).forget_gauges()  # its streams are gone, what it counted is not
    three = start(memory, 2, 1)
    later = shown(three).splitlines()
    assert "auricle_streams 3.0" in later
    assert "auricle_audio_seconds_total 4.5" in later
    three.communicate(timeout=20)

    successor = start(memory, 1, 0)  # counts on
    later = shown(successor).splitlines()
    assert "auricle_streams 3.0" in later
    assert "auricle_audio_seconds_total 6.0" in later
    successor.communicate(timeout=20)
    memory.close()
