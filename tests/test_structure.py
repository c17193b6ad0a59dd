"""The rules that keep the code in its rooms: who may import whom, and how large a file is.

Every rule is a row of a table below. A failure names the file, what is wrong with it and the rule.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("plugins", "server")
"""The folders that hold packages; both are on the import path."""


class Module(NamedTuple):
    name: str
    """As it is imported: auricle_server.engine.engine."""
    path: Path
    imports: frozenset[str]
    """Names of the imported modules; those of lazy and of typing-only imports count too."""


# --- who may import whom ---------------------------------------------------------------------------------------------

S = "auricle_server"
G = "auricle_server.gateway"
E = "auricle_server.engine"

ARROWS: tuple[tuple[str, ...], ...] = (
    # From left to right a room may import the next ones; no room imports one to its left.
    ("pipecat_auricle", "auricle.client", "auricle.protocol"),
    ("livekit.plugins.auricle", "auricle.client", "auricle.protocol"),
    ("auricle.client", "auricle._stream", "auricle._connection", "auricle.protocol"),
    (f"{G}.http", f"{G}.session", f"{S}.stream", f"{S}.turns", "auricle.protocol"),
    (f"{G}.dialects", f"{G}.session"),
    (f"{G}.session", f"{G}.audio", f"{S}.voice"),
    (f"{G}.http", f"{G}.session", f"{G}.workers", f"{S}.ipc"),
    (f"{G}.http", f"{G}.session", f"{G}.keys"),
    (f"{G}.http", f"{G}.console", f"{G}.listening"),
    (f"{G}.http", f"{G}.session", f"{S}.telemetry"),
    (f"{S}.worker", f"{S}.ipc"),
    (f"{S}.worker", E, f"{S}.checkpoints", f"{S}.text"),
    (f"{E}.engine", f"{E}.runners", f"{E}.model", f"{E}.ops"),
    (f"{E}.engine", f"{E}.runners", f"{E}.decoding", f"{E}.ops"),
    (f"{E}.engine", f"{E}.scheduling"),
    (f"{S}.cli", f"{S}.commands", f"{S}.serving", G),
    (f"{S}.commands", f"{S}.bench", E),
    (f"{S}.commands", f"{S}.demo"),
    (f"{S}.commands", f"{S}.archives", f"{S}.serving"),
    (f"{S}.archives", f"{S}.audio_files"),
)

NEVER: tuple[tuple[str, tuple[str, ...]], ...] = (
    # A room and what no module in it imports, at no time and for no purpose.
    ("auricle", (S, "pipecat_auricle", "pipecat", "livekit", "torch", "nemo", "zmq", "msgspec")),
    ("pipecat_auricle", (S, "livekit", "torch", "nemo")),
    ("livekit.plugins.auricle", (S, "pipecat_auricle", "pipecat", "torch", "nemo")),
    ("auricle.protocol", ("aiohttp", "asyncio", "time", "socket", "numpy")),
    (S, ("demo_model", "tests")),
    ("demo_model", ("tests",)),
    (G, (f"{S}.worker", E, f"{S}.checkpoints", f"{S}.serving", f"{S}.commands")),
    (f"{S}.worker", (G, f"{S}.stream", f"{S}.turns", f"{S}.voice", "aiohttp")),
    (f"{S}.stream", (G, f"{S}.voice", f"{S}.worker", E, "aiohttp", "asyncio", "time")),
    (f"{S}.turns", (G, f"{S}.stream", f"{S}.voice", f"{S}.worker", E, "aiohttp", "asyncio", "time")),
    (f"{S}.voice", (G, f"{S}.stream", "auricle", "aiohttp", "asyncio", "pipecat")),
    (f"{S}.telemetry", (G, f"{S}.worker", f"{S}.serving", E, "aiohttp", "asyncio.subprocess")),
    (f"{S}.ipc", (G, f"{S}.worker", f"{S}.stream", f"{S}.turns", E, "auricle", "aiohttp")),
    (E, ("auricle", "aiohttp", "zmq", "msgspec", f"{S}.ipc", f"{S}.worker", G, f"{S}.stream")),
    (f"{E}.scheduling", ("torch", "triton", "safetensors", f"{E}.model", f"{E}.ops", f"{E}.runners")),
    (f"{E}.model", (f"{E}.scheduling", f"{E}.decoding")),
    (f"{S}.checkpoints", ("auricle", "aiohttp", "zmq", E, f"{S}.ipc")),
    (f"{S}.archives", ("torch", "typer", "rich", E, f"{S}.worker", G)),
    (f"{S}.text", ("auricle", "aiohttp", "zmq", E, f"{S}.ipc", f"{S}.checkpoints")),
)

ONLY_IN: tuple[tuple[str, tuple[str, ...]], ...] = (
    # A library of the server and the only rooms that import it.
    ("torch", (f"{S}.worker", E, f"{S}.checkpoints", f"{S}.bench")),
    ("triton", (f"{E}.ops",)),
    ("nemo", (f"{S}.bench.baselines.nemo",)),
    ("onnxruntime", (f"{S}.voice", f"{S}.bench.baselines.sherpa_onnx")),
    ("sherpa_onnx", (f"{S}.bench.baselines.sherpa_onnx",)),
    ("av", (f"{G}.audio.containers",)),
    ("zmq", (f"{S}.ipc",)),
    ("ray", (f"{S}.archives.local_ray",)),
    ("fsspec", (f"{S}.archives.inputs.sources",)),
    ("grpc", (f"{G}.http.riva",)),
    ("google", (f"{G}.http.riva", f"{G}.dialects.riva")),
    ("pipecat", (f"{S}.demo",)),
    ("livekit", (f"{S}.demo",)),
    ("opentelemetry", (f"{S}.telemetry",)),
)

PLANNED = {f"{G}.dialects"}
"""Rooms of the tables that may not exist yet."""

ROOMS = sorted(
    {room for arrow in ARROWS for room in arrow}
    | {room for room, _ in NEVER}
    | {room for _, rooms in ONLY_IN for room in rooms}
)


@cache
def modules() -> dict[str, Module]:
    found: dict[str, Path] = {}
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("*.py")):
            parts = path.relative_to(ROOT / source).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    assert len(found) > 200, "the sources were not found"
    return {
        name: Module(name, path, frozenset(imports(path.read_text(), name, path.name == "__init__.py", set(found))))
        for name, path in found.items()
    }


def imports(source: str, name: str, is_package: bool, known: set[str]) -> set[str]:
    """Names of the modules that a module's source imports; a name of `known` is a module and not a member of one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".") if is_package else name.split(".")[:-1]
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            members = {f"{base}.{alias.name}" for alias in node.names}
            found.update(members & known)
            if members - known:
                found.add(base)
    return found


def lies_in(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def wrong_imports(room: str, banned: tuple[str, ...]) -> list[str]:
    return [
        f"{relative(module)} imports {name}"
        for module in modules().values()
        if lies_in(module.name, room) and not module.name.endswith(".__main__")  # an entry point starts a command
        for name in sorted(module.imports)
        if any(lies_in(name, each) and not lies_in(name, room) for each in banned)
    ]


def relative(module: Module) -> str:
    return module.path.relative_to(ROOT).as_posix()


def report(problems: list[str], rule: str) -> None:
    """Fails with one line for each problem."""
    assert not problems, "\n".join([rule, *(f"  {problem}" for problem in problems)])


def test_relative_and_absolute_imports_are_understood() -> None:
    known = {"a.b", "a.b.c", "a.d"}
    assert imports("from . import c\nfrom .c import f", "a.b", True, known) == {"a.b.c"}
    assert imports("from .. import d\nfrom ..d import g", "a.b.c", False, known) == {"a.d"}
    assert imports("def f():\n    from a import b, other\n    import x.y", "z", False, known) == {"a", "a.b", "x.y"}


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_of_the_tables_exist(room: str) -> None:
    exists = any(lies_in(name, room) for name in modules())
    assert exists or room in PLANNED, f"No module lies in {room}: a rule about it holds for nothing"


@pytest.mark.parametrize("arrow", ARROWS, ids=" > ".join)
def test_no_room_imports_a_room_above_it(arrow: tuple[str, ...]) -> None:
    problems = [
        problem for place, room in enumerate(arrow) for problem in wrong_imports(room, arrow[:place]) if arrow[:place]
    ]
    report(problems, f"Imports go from left to right only: {' -> '.join(arrow)}")


@pytest.mark.parametrize(("room", "banned"), NEVER, ids=[room for room, _ in NEVER])
def test_what_a_room_never_imports(room: str, banned: tuple[str, ...]) -> None:
    report(wrong_imports(room, banned), f"{room} never imports {', '.join(banned)}")


@pytest.mark.parametrize(("library", "rooms"), ONLY_IN, ids=[library for library, _ in ONLY_IN])
def test_a_library_is_imported_in_its_rooms_only(library: str, rooms: tuple[str, ...]) -> None:
    problems = [
        f"{relative(module)} imports {library}"
        for module in modules().values()
        if lies_in(module.name, S) and not any(lies_in(module.name, room) for room in rooms)
        if any(lies_in(name, library) and name not in modules() for name in module.imports)
    ]
    report(problems, f"{library} is imported in {', '.join(rooms)} only")


def test_one_module_of_the_server_imports_nemo() -> None:
    found = {each.name for each in modules().values() if any(lies_in(name, "nemo") for name in each.imports)}
    assert found == {f"{S}.bench.baselines.nemo"}


def test_no_dialect_imports_another() -> None:
    """A dialect is a module, or a package, directly inside `gateway.dialects`."""
    dialects = f"{G}.dialects"
    depth = dialects.count(".") + 2
    found = {".".join(name.split(".")[:depth]) for name in modules() if name.startswith(f"{dialects}.")}
    problems = [
        problem for dialect in sorted(found) for problem in wrong_imports(dialect, tuple(sorted(found - {dialect})))
    ]
    report(problems, "A dialect is independent of the other dialects: shared code belongs to gateway.session")


# --- sizes -----------------------------------------------------------------------------------------------------------

MOST_MODULES = 14
MOST_LINES = {"plugins": 300, "server": 300, "docs": 300, "tests": 300}


@pytest.mark.parametrize("folder", MOST_LINES)
def test_no_folder_holds_too_many_modules(folder: str) -> None:
    by_folder: dict[Path, int] = defaultdict(int)
    for path in python_files(folder):
        by_folder[path.parent] += path.name != "__init__.py"
    problems = [f"{path.relative_to(ROOT)}: {count}" for path, count in by_folder.items() if count > MOST_MODULES]
    report(problems, f"A folder has at most {MOST_MODULES} modules side by side, its __init__.py aside")


@pytest.mark.parametrize(("folder", "most"), MOST_LINES.items())
def test_no_file_is_too_long(folder: str, most: int) -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in python_files(folder)}
    report([f"{path}: {lines}" for path, lines in lengths.items() if lines > most], f"A file has at most {most} lines")


def test_examples_fit_on_a_page() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in python_files("agent_examples")}
    assert lengths
    report([f"{name}: {lines}" for name, lines in lengths.items() if lines > 120], "An example has at most 120 lines")


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))
