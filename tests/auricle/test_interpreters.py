"""The light core under other versions of Python: its own tests, the real client against the scripted server included.

They run with packages of this environment that also work without compiled parts, as aiohttp and its requirements do:
nothing is installed or downloaded. Hypothesis does not; its tests are skipped there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
NEEDED = ("aiohttp", "pytest", "pytest-asyncio", "pytest-timeout")
PURE = {f"{name}_NO_EXTENSIONS": "1" for name in ("AIOHTTP", "FROZENLIST", "MULTIDICT", "PROPCACHE", "YARL")}


OTHERS = [f"python3.{minor}" for minor in (11, 12, 13, 14) if (3, minor) != sys.version_info[:2]]


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_the_light_core_passes_its_tests(name: str, tmp_path: Path) -> None:
    python = interpreter(name)
    paths = (link_packages(tmp_path / "packages"), ROOT / "plugins")
    done = subprocess.run(
        [
            python,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            f"not {Path(__file__).stem}",
            Path(__file__).parent,
        ],
        cwd=ROOT,
        env={**os.environ, **PURE, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    passed = re.search(r"^(\d+) passed", done.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 200


def interpreter(name: str) -> Path:
    """The interpreter of this name; pyenv's command on PATH runs one only if its version is chosen, so it is asked."""
    found = shutil.which(name)
    if found and works(Path(found)):
        return Path(found)
    if found and (pyenv := shutil.which("pyenv")):
        versions = subprocess.run([pyenv, "whence", name], check=False, stdout=subprocess.PIPE, text=True)
        for version in versions.stdout.split():
            prefix = subprocess.run([pyenv, "prefix", version], check=True, stdout=subprocess.PIPE, text=True)
            if works(path := Path(prefix.stdout.strip()) / "bin" / name):
                return path
    pytest.skip(f"{name} is not on PATH")


def works(python: Path) -> bool:
    done = subprocess.run([python, "-c", ""], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def link_packages(folder: Path) -> Path:
    """A folder of links to what is needed, and nothing else of this environment."""
    folder.mkdir()
    for name in closure(NEEDED):
        for file in metadata.files(name) or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (folder / top).exists():
                (folder / top).symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    return folder


def closure(names: tuple[str, ...]) -> set[str]:
    """The distributions, and all that they require here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            requirements = map(Requirement, metadata.requires(name) or ())
            waiting += [
                each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})
            ]
    return found
