"""What must stay light: gateways never load torch."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [
        "auricle_server.gateway.http.server",
        "auricle_server.serving.supervisor",
        "auricle_server.serving.in_process_server",
        "auricle_server.worker.loop",
        "auricle_server.worker.factory",
        "auricle_server.ipc.zeromq",
        "auricle_server.stream.stream_state",
    ],
)
def test_importing_loads_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('torch', 'nemo', 'soundfile')))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.slow
def test_the_command_line_loads_neither_ray_nor_torch() -> None:
    code = (
        "import sys; from auricle_server.commands.app import app; app(['archive', '--help'], standalone_mode=False); "
        "sys.exit(any(name in sys.modules for name in ('ray', 'pyarrow', 'fsspec', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
