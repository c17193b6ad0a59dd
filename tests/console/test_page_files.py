"""The page's files: small, all of them used, and fetched in one go."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "server/auricle_server/gateway/console/page"
INDEX = (PAGE / "index.html").read_text()
SCRIPTS = sorted(PAGE.rglob("*.js"))
_IMPORT = re.compile(r'^(?:import\b|export\b.* from )[^"\n]*"([^"]+)";', re.MULTILINE)


def imported(script: Path) -> set[str]:
    """Addresses of the modules that a module imports."""
    return {
        path if path.startswith("/") else f"/console/{(script.parent / path).resolve().relative_to(PAGE)}"
        for path in _IMPORT.findall(script.read_text())
    }


def test_every_module_is_fetched_before_it_is_asked_for() -> None:
    # Otherwise the browser learns of a module only when it has read the one before: ten round trips in a row.
    needed: set[str] = set()
    todo = ["/console/main.js"]
    while todo:
        path = todo.pop()
        file = PAGE / path.removeprefix("/console/")
        new = imported(file) - needed if file.exists() else set()
        needed |= new
        todo += new
    assert set(re.findall(r'rel="modulepreload" href="([^"]+)"', INDEX)) == needed
    served = {f"/console/{script.relative_to(PAGE)}" for script in SCRIPTS} | {"/console/auricle.js"}
    assert needed | {"/console/main.js"} == served


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.relative_to(PAGE).as_posix())
def test_modules_are_of_one_page(script: Path) -> None:
    assert len(script.read_text().splitlines()) <= 300


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", INDEX)
    assert not re.search(r"<script(?![^>]*\ssrc=)", INDEX)
    for path in PAGE.rglob("*"):
        if path.suffix in {".html", ".css", ".js"}:
            # The name of SVG's elements is no address that anybody asks.
            assert not re.search(r"""["'(]\s*(https?:)?//(?!www\.w3\.org/2000/svg)[\w.]""", path.read_text()), path


def test_the_pictures_of_the_pages_are_small() -> None:
    folder = PAGE.parents[4] / "docs" / "pictures"
    sizes = {picture.name: picture.stat().st_size for picture in folder.iterdir()}
    of_the_console = [size for name, size in sizes.items() if name.startswith("console")]
    assert 0 < sum(of_the_console) < 400_000
    assert max(sizes.values()) < 125_000
