"""What the pages tell a reader to type, to set, to install and to open exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from auricle_server.config import ServerConfig
from tests.docs.pages import ROOT, blocks, pages

SHELL = [each for each in blocks() if each.kind in {"sh", "bash"}]
OF_EXAMPLES = {"AURICLE_URL", "AURICLE_API_KEY", "AURICLE_TURNS", "AURICLE_SCREENSHOTS"}
"""Variables that the examples, `auricle transcribe` and the tests read."""
OURS = re.compile(r"(?:auricle|pipecat-auricle|livekit-plugins-auricle)(?:\[.*\])?")


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every simple command of the shell blocks, with the page that shows it."""
    for block in SHELL:
        for line in block.code.replace("\\\n", " ").splitlines():
            for words in _simple(shlex.split(line.replace("$(", "\\$(") if "$(" not in line else line, comments=True)):
                yield block.page, words
    for page in pages():
        for inline in re.findall(r"`((?:auricle [a-z]|make |pip install |python -m )[^`<]*)`", page.read_text()):
            yield page.relative_to(ROOT).as_posix(), shlex.split(inline)


def _simple(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*words, "|"]:
        if word in {"|", "&&", "&"}:
            if command:
                yield command
            command = []
        elif command or not re.fullmatch(r"[A-Z_]+=.*", word):
            command.append(word)


def of(program: str) -> list[tuple[str, list[str]]]:
    found = [(page, words[1:]) for page, words in commands() if words[0] == program]
    assert found, f"no page shows {program}"
    return found


def test_the_command_line_takes_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.main import get_command

    from auricle_server.commands.app import app

    monkeypatch.chdir(ROOT)
    root: Any = get_command(app)
    for page, words in of("auricle"):
        if words in (["COMMAND", "--help"], ["bench"]) or words[-1:] == ["--help"]:
            continue
        command, rest = root.commands[words[0]], words[1:]
        if hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        if rest or words[0] not in {"archive", "evaluate", "pull", "size", "transcribe"}:
            try:
                command.make_context(words[0], rest)
            except Exception as error:
                raise AssertionError(f"{page}: auricle {' '.join(words)}: {error}") from error


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = [(page, words) for page, words in of("make") if words and words[0] not in targets]
    assert wrong == []


def test_every_python_program_exists_and_knows_its_options() -> None:
    for page, words in of("python"):
        if words[0] == "-m" and words[1].startswith("tests."):
            spec = find_spec(words[1])
            assert spec is not None, f"{page}: {words[1]}"
            path = Path(str(spec.origin))
            path = path.with_name("__main__.py") if path.name == "__init__.py" else path
        elif words[0].endswith(".py"):
            path = ROOT / words[0]
        else:
            continue
        for option in (word for word in words if word.startswith("--")):
            assert f'"{option}"' in path.read_text(), f"{page}: {option} of {path.name}"


def test_nothing_of_ours_is_installed_from_an_index() -> None:
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    for page, words in of("pip"):
        for word in words[1:]:
            assert not OURS.fullmatch(word), f"{page}: {word} is on no index"
            if match := re.match(r"(?:\.|\.\.?/auricle)\[(.*)\]$", word):
                assert set(match[1].split(",")) <= extras, f"{page}: {word}"
    sources = [
        *ROOT.glob("server/auricle_server/**/*.py"),
        *ROOT.glob("plugins/**/*.py"),
        *ROOT.glob("agent_examples/*.py"),
    ]
    told = re.compile(r"pip install ['\"]?(?:auricle|pipecat-auricle|livekit-plugins-auricle)\b")
    assert [path.name for path in [*sources, *pages()] if told.search(path.read_text())] == []


def test_every_variable_is_read_by_something() -> None:
    config = ServerConfig()
    known = {
        f"AURICLE_{field.name.upper()}" for each in (config, config.telemetry, config.limits) for field in fields(each)
    } | OF_EXAMPLES
    for page in pages():
        named = set(re.findall(r"AURICLE_[A-Z_]+[A-Z]", page.read_text()))
        assert named <= known, f"{page.name}: {named - known}"


def test_every_link_leads_somewhere() -> None:
    for page in pages():
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for target, anchor in re.findall(r"\]\((?!https?://)([^)#\s]*)(?:#([^)]+))?\)", text):
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name} links to {target}"
            if anchor:
                assert anchor in _anchors(there), f"{page.name} links to {target}#{anchor}"


def _anchors(page: Path) -> set[str]:
    """As Python-Markdown makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    docs = ROOT / "docs"
    assert named == {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 8000


def test_pages_name_no_address_that_was_made_up() -> None:
    hosts = {
        "app.example.com",
        "auricle",
        "download.pytorch.org",
        "github.com",
        "huggingface.co",
        "localhost:7860",
        "127.0.0.1:4318",
        "127.0.0.1:8765",
        "semver.org",
        "HOST:8765",
        "HOST:PORT",
    }
    for page in pages():
        found = set(re.findall(r"https?://([^/\s)>\"'`;]+)", page.read_text()))
        assert found <= hosts, f"{page.name}: {found - hosts}"


def test_the_packages_of_the_architecture_page_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    (tree,) = re.findall(r"^```text\n(plugins/\n.*?)^```", page, re.MULTILINE | re.DOTALL)
    above: list[str] = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())[0].split(", ")
        for name in names:
            path = ROOT.joinpath(*above[:depth], name)
            assert path.is_dir() if name.endswith("/") else path.with_suffix(".py").is_file(), f"{path} of {line!r}"
        above[depth:] = [names[0]]
