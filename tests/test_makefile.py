"""What the Makefile installs: nothing that a machine has already, and no package that it does not need."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = "bash", "cut", "nproc", "sha256sum", "tr"
FESTIVAL = "festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize(
    ("target", "there", "installed"),
    [
        ("recipe-packages", "espeak-ng flite npm", FESTIVAL),
        ("recipe-packages", "espeak-ng festival", "flite npm"),
        ("recipe-packages", "espeak-ng flite festival npm", None),
        ("test-packages", "espeak-ng flite chromium haproxy", "prometheus"),
        ("test-packages", "espeak-ng flite chromium haproxy promtool", None),
    ],
)
def test_only_the_packages_of_commands_that_are_missing_are_installed(
    tmp_path: Path, target: str, there: str, installed: str | None
) -> None:
    make = shutil.which("make")
    assert make is not None
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    for name in (*there.split(), "python"):
        script(tmp_path / name, "true")
    script(tmp_path / "id", "echo 0")
    script(tmp_path / "apt-get", f'echo "$@" >> {tmp_path}/log')
    environment = {**os.environ, "PATH": str(tmp_path)}
    subprocess.run([make, "-s", target, f"BIN={tmp_path}"], cwd=ROOT, env=environment, check=True, capture_output=True)
    calls = (tmp_path / "log").read_text().splitlines() if (tmp_path / "log").exists() else []
    assert [call.partition("--no-install-recommends ")[2] for call in calls if "install" in call] == (
        [] if installed is None else [installed]
    )


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)
