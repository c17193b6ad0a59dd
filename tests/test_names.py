"""The rules for names: of modules, of classes, and of the tests that mirror the modules."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.test_structure import MOST_LINES, ROOT, modules, python_files, relative, report

LITERARY = set(
    """
    answers assembly backlog cuts dialler ears echo figures ground hands hearing intake journal judgements labour lanes
    line link local mailbox native neighbours outbox outgoing pace peer pieces pump reception refinement returns room
    running seat seats sent speech splice spoken streamed tenants workload
    """.split()
)
"""Module names that tell nothing to a reader who does not know the file; each once was one here."""


@pytest.mark.parametrize("folder", MOST_LINES)
def test_no_module_has_a_literary_name(folder: str) -> None:
    named = {path: path.stem.removeprefix("test_").strip("_") for path in python_files(folder)}
    folders = {path.parent: path.parent.name.strip("_") for path in named}
    problems = [str(path.relative_to(ROOT)) for path, name in {**named, **folders}.items() if name in LITERARY]
    report(problems, "A module has the name that the field uses for what it holds")


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for module in modules().values():
        for node in ast.walk(ast.parse(module.path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(relative(module))
    problems = [f"{name}: {', '.join(paths)}" for name, paths in sorted(places.items()) if len(paths) > 1]
    report(problems, "One name, one class: across all packages, private classes included")


MIRRORED = {
    "plugins/auricle": "tests/auricle",
    "plugins/pipecat_auricle": "tests/pipecat_auricle",
    "plugins/livekit/plugins/auricle": "tests/livekit_auricle",
    "server/auricle_server": "tests/auricle_server",
}


LEAST_SHARE = 0.9


def test_nine_in_ten_modules_have_a_test_of_their_name() -> None:
    """`a/b.py` is tested by `tests/<package>/a/test_b.py`, or by several `test_b_<aspect>.py`."""
    tested = {path: bool(mirrors_of(path, home, mirror)) for path, home, mirror in behaving_modules()}
    missing = [path.relative_to(ROOT).as_posix() for path, has in tested.items() if not has]
    share = 1 - len(missing) / len(tested)
    rule = f"{share:.0%} of {len(tested)} modules have a test that bears their name; at least {LEAST_SHARE:.0%} do"
    if share < LEAST_SHARE:
        report(missing, rule)


def behaving_modules() -> list[tuple[Path, str, str]]:
    """The modules that hold a function or a class: package fronts, entry points and tables have nothing to test."""
    return [
        (path, home, mirror)
        for home, mirror in MIRRORED.items()
        for path in python_files(home)
        if path.name not in ("__init__.py", "__main__.py")
        if any(isinstance(node, DEFINITIONS) for node in ast.parse(path.read_text()).body)
    ]


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def mirrors_of(path: Path, home: str, mirror: str) -> list[Path]:
    folder = ROOT / mirror / path.parent.relative_to(ROOT / home)
    stem = path.stem.lstrip("_")
    found = [*folder.glob(f"test_{stem}.py"), *folder.glob(f"test_{stem}_*.py")]
    return [each for each in found if "def test_" in each.read_text()]
