from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from auricle_server.commands.app import app
from auricle_server.demo import run as run_module
from auricle_server.demo.server_process import ServerFailed


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_is_the_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, passed: bool, code: int) -> None:
    asked: list[tuple[str, Path | None, Path | None]] = []

    async def run(console: Console, model: str, clips: Path | None, picture: Path | None) -> bool:
        assert console.width >= 120  # wide enough for the tables in a log
        asked.append((model, clips, picture))
        return passed

    monkeypatch.setattr(run_module, "run", run)
    result = CliRunner().invoke(app, ["demo", "--model", "m", "--clips", str(tmp_path), "--picture", "p.svg"])
    assert result.exit_code == code
    assert asked == [("m", tmp_path, Path("p.svg"))]


def test_a_server_that_failed_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(*_: object) -> bool:
        raise ServerFailed("the server exited")

    monkeypatch.setattr(run_module, "run", run)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 1
    assert "the server exited" in result.stderr


def test_without_the_extras_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "auricle_server.demo.run")
    monkeypatch.setitem(sys.modules, "jiwer", None)
    monkeypatch.delitem(sys.modules, "auricle_server.demo.scores", raising=False)
    monkeypatch.delitem(sys.modules, "auricle_server.text.alignment", raising=False)
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == 1
    assert "pip install '.[server,pipecat,livekit]'" in " ".join(result.stderr.split())
