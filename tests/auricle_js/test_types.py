"""The types of the JavaScript client: a program in TypeScript compiles, and they declare what the module has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser.node import NEEDS_NODE, run_node

pytestmark = [NEEDS_NODE, pytest.mark.slow, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "plugins" / "auricle-js"
TYPESCRIPT = "typescript@~5.9"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with TypeScript, and the client as npm installs it: only what it publishes."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    packed = subprocess.run([npm, "pack", PACKAGE], cwd=folder, check=True, capture_output=True, text=True, timeout=100)
    try:
        command = [npm, "install", "--no-audit", "--no-fund", TYPESCRIPT, f"./{packed.stdout.split()[-1]}"]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=100)
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not reach its registry")
    if done.returncode != 0:
        assert re.search(r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|E40[347]|E50\d", done.stderr), done.stderr
        pytest.skip("npm does not reach its registry")
    return folder


def test_a_package_has_what_it_needs_and_no_more(project: Path) -> None:
    installed = {file.name for file in (project / "node_modules" / "auricle-js").iterdir()}
    assert installed == {"auricle.js", "auricle.d.ts", "package.json", "README.md", "LICENSE"}
    assert (PACKAGE / "LICENSE").read_bytes() == (PACKAGE.parents[1] / "LICENSE").read_bytes()
    told = json.loads((PACKAGE / "package.json").read_text())
    assert "dependencies" not in told
    assert "publishConfig" not in told


async def test_a_program_compiles(project: Path) -> None:
    shutil.copy(HERE / "usage.ts", project)
    await run_node(
        *(project / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", "--strict"),
        *("--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2022,dom"),
        *("--module", "nodenext", "--moduleResolution", "nodenext", "--typeRoots", project / "none"),
        project / "usage.ts",
        seconds=200,  # seconds on a machine that is free; it runs beside the longest tests of the gate
    )


async def test_what_is_declared_is_what_there_is(project: Path) -> None:
    typescript = project / "node_modules" / "typescript"
    declared = json.loads(await run_node(HERE / "members.cjs", typescript, PACKAGE / "auricle.d.ts"))
    there = json.loads(await run_node(HERE / "exports.mjs", PACKAGE / "auricle.js"))
    assert declared["undocumented"] == []
    assert sorted(declared["values"]) == sorted(there["values"])
    assert declared["classes"].keys() == there["classes"].keys()
    for name, kind in declared["classes"].items():
        has: dict[str, Any] = there["classes"][name]
        assert kind["base"] == has["base"], name
        assert sorted(kind["statics"]) == sorted(has["statics"]), name
        if name in {"Stream", "Microphone", "AuricleClient"}:
            public = set(kind["members"]) - {"addEventListener", "muted"}
            assert public == set(has["members"]), name
