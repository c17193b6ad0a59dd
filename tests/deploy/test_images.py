"""The images, as far as that goes without a Docker engine: what they say, and the server as they run it."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from tests.deploy.images import KINDS, final, instructions, variables, words
from tests.deploy.programs import ROOT, free_ports, output, program
from tests.support import tones

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
USER = "10001"
# A file system that is read-only but for what the image declares, and the user of the image. That user may read
# everything, as it would in an image: the Python of this machine may lie in a folder of root's.
CONTAINER = """
set -e
mount --make-rprivate /
mount --bind /tmp "$HF_HOME"  # held there while it is hidden: a checkout may lie in /tmp
mount -t tmpfs -o mode=1777 tmpfs /tmp
for folder in "$CHECKOUT" "$ENVIRONMENT"; do
    if ! test -d "$folder"; then
        mkdir -p "$folder"
        mount --bind "$HF_HOME${folder#/tmp}" "$folder"
        mount -o remount,bind,ro "$folder"
    fi
done
mount -t tmpfs -o mode=1777 tmpfs "$HF_HOME"
mount -o remount,bind,ro /
if touch /written 2>/dev/null; then echo "the root file system is not read-only" >&2; exit 1; fi
exec setpriv --reuid 10001 --regid 10001 --clear-groups --inh-caps +dac_read_search --ambient-caps +dac_read_search "$@"
"""


@pytest.mark.parametrize("kind", KINDS)
def test_hadolint_finds_nothing(kind: str) -> None:
    assert output(program("hadolint"), ROOT / "docker" / f"{kind}.Dockerfile") == ""


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_copied_is_there(kind: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = [each.text for each in instructions(kind) if each.name == "COPY" and not each.text.startswith("--from")]
    assert copied
    for text in copied:
        for source in text.split()[:-1]:
            assert (ROOT / source).exists()
            assert not any(fnmatch.fnmatch(source, pattern) for pattern in ignored)


@pytest.mark.parametrize("kind", KINDS)
def test_the_build_takes_extras_and_pins_that_exist(kind: str) -> None:
    runs = " ".join(each.text for each in instructions(kind) if each.name == "RUN")
    [extras] = re.findall(r"'\.\[([a-z,]+)\]'", runs)
    assert {"server", "turns", "containers", "riva"} <= set(extras.split(","))
    assert set(extras.split(",")) <= set(EXTRAS)
    constraints = (ROOT / "constraints.txt").read_text()
    for pattern in re.findall(r"grep '(\S+)' constraints.txt", runs):
        assert len(re.findall(pattern, constraints, re.MULTILINE)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_base_is_pinned_and_the_build_stays_behind(kind: str) -> None:
    [base] = [each.text for each in instructions(kind) if each.name == "ARG"]
    assert re.fullmatch(r"PYTHON=python:\d+\.\d+\.\d+-slim-\w+", base)
    assert [each.text for each in instructions(kind) if each.name == "FROM"] == ["${PYTHON} AS build", "${PYTHON}"]
    assert [text.split()[0] for text in final(kind, "COPY")] == ["--from=build", "docker/health.py"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_user_is_a_number_and_owns_the_volumes(kind: str) -> None:
    assert final(kind, "USER") == [f"{USER}:{USER}"]
    [volumes] = final(kind, "VOLUME")
    [made] = re.findall(r"install --directory --owner=10001 --group=10001 --mode=700 (.+)$", final(kind, "RUN")[0])
    assert made.split() == json.loads(volumes)
    assert variables(kind)["HF_HOME"] in json.loads(volumes)


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_of_every_format_are_read(kind: str) -> None:
    """`audio_files` looks for the program in the PATH."""
    assert any("apt-get install --yes --no-install-recommends ffmpeg " in text for text in final(kind, "RUN"))


def test_both_images_differ_by_torch_and_device_alone() -> None:
    texts = [[(each.name, each.text) for each in instructions(kind)] for kind in KINDS]
    different = [one[0] for one, other in zip(*texts, strict=True) if one != other]
    assert different == ["RUN", "ENV"]


@pytest.mark.slow
def test_the_server_runs_as_the_image_runs_it(tmp_path: Path) -> None:
    """With its environment, command and user, on a file system that is read-only but for `/tmp` and the volumes."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        pytest.skip("needs root, unshare and setpriv")
    [port] = free_ports(1)
    log = tmp_path / "log"
    given = {name: value for name, value in variables("cpu").items() if name != "PATH"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AURICLE_", "HF_", "TMP"))}
    environment |= {**given, "HF_HOME": "/mnt", "HOME": "/tmp", "OMP_NUM_THREADS": "1"}
    environment |= {"AURICLE_PORT": str(port), "AURICLE_MODEL": str(tones.CHECKPOINT), "AURICLE_API_KEYS": "a-key"}
    environment |= {"AURICLE_STANDBY": "off", "CHECKOUT": str(ROOT), "ENVIRONMENT": str(Path(sys.prefix).resolve())}
    [entry, *arguments] = words("cpu")
    assert entry == "auricle"
    command = ["unshare", "--mount", "sh", "-c", CONTAINER, "sh", sys.executable, "-m", "auricle_server", *arguments]
    with log.open("wb") as written:
        process = subprocess.Popen(command, env=environment, stdout=written, stderr=written)
    try:
        health = [sys.executable, str(ROOT / "docker" / "health.py")]
        end = time.monotonic() + 120
        while subprocess.run(health, env=environment, capture_output=True, check=False).returncode:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.5)
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert re.findall(r"^Uid:\t(\d+)", status, re.MULTILINE) == [USER]
        assert "Read-only" not in log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()
