from __future__ import annotations

import re
import sys

from auricle_server.bench.report.machine import commit, this_machine, versions


def test_the_machine_has_a_name_for_files() -> None:
    machine = this_machine()
    assert re.fullmatch(r"[a-z0-9-]+", machine.name)
    assert machine.cores >= 1
    assert machine.memory_gb > 0.5
    assert bool(machine.gpu) == (machine.gpu_memory_gb > 0)


def test_versions_and_commit() -> None:
    assert versions()["python"] == sys.version.split()[0]
    assert re.fullmatch(r"([0-9a-f]{7,}\+?)?", commit())
