"""The page's client: its file lies outside of the package that serves it."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.test_packaging import ROOT, VERSION, build, run_python

JAVASCRIPT = ROOT / "plugins" / "auricle-js" / "auricle.js"

CLIENT_OF_THE_PAGE = """
from auricle_server.gateway.console.console_routes import CLIENT_FILES
print(next(file for file in CLIENT_FILES if file.exists()).read_text(), end="")
"""


@pytest.mark.slow
def test_a_wheel_from_the_sdist_has_the_client_and_serves_it(tmp_path: Path) -> None:
    build(ROOT, "sdist", tmp_path)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    source = tmp_path / sdist.name.removesuffix(".tar.gz")
    assert {file.name for file in (source / "plugins" / "auricle-js").iterdir()} >= {"auricle.js", "auricle.d.ts"}
    build(source, "wheel", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("auricle_server/gateway/console/auricle.js") == JAVASCRIPT.read_bytes()
        archive.extractall(tmp_path / "installed")
    assert run_python(CLIENT_OF_THE_PAGE, PYTHONPATH=str(tmp_path / "installed")) == JAVASCRIPT.read_text()


def test_a_checkout_serves_its_own() -> None:
    assert run_python(CLIENT_OF_THE_PAGE) == JAVASCRIPT.read_text()


def test_npms_package_has_the_same_version() -> None:
    as_npm = re.sub(r"(a|b|rc)([0-9]+)$", r"-\1.\2", VERSION)
    assert json.loads(JAVASCRIPT.with_name("package.json").read_text())["version"] == as_npm
    assert f'export const version = "{as_npm}";' in JAVASCRIPT.read_text()
