"""Metrics: alone in a process, and shared by several."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from auricle_server.ipc.messages import StepSample
from auricle_server.metrics import Metrics, forget_process

PROCESS = """
import sys
from auricle_server.ipc.messages import StepSample
from auricle_server.metrics import Metrics, share_metrics
share_metrics(sys.argv[1])
metrics = Metrics()
metrics.streams.inc(int(sys.argv[2]))
metrics.slots.set(64)
metrics.load.labels("0", "predicted").set(0.5)
metrics.audio_seconds.inc(1.5)
metrics.refused.labels("server_full").inc()
metrics.observe_steps([StepSample(80, 3, 0.01), StepSample(160, 5, 0.02)])
print(metrics.text().decode(), flush=True)
sys.stdin.read()
"""


def start(folder: Path, streams: int) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", PROCESS, folder, str(streams)], stdin=pipe, stdout=pipe, text=True)


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


def test_whichever_process_is_asked_answers_for_all(tmp_path: Path) -> None:
    one = start(tmp_path, 2)
    alone = shown(one)
    assert "auricle_streams 2.0" in alone
    two = start(tmp_path, 5)
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

    forget_process(str(tmp_path), two.pid)  # its streams are gone, what it counted is not
    three = start(tmp_path, 1)
    later = shown(three).splitlines()
    assert "auricle_streams 3.0" in later
    assert "auricle_audio_seconds_total 4.5" in later
    three.communicate(timeout=20)
