from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from auricle_server.checkpoints.progress import Report
from auricle_server.commands.app import app
from auricle_server.commands.doctor import command
from auricle_server.commands.doctor.findings import CheckStatus, Finding


@pytest.mark.parametrize(("status", "code"), [(CheckStatus.GOOD, 0), (CheckStatus.NOTE, 0), (CheckStatus.BAD, 1)])
def test_only_a_bad_finding_is_an_exit_code(monkeypatch: pytest.MonkeyPatch, status: CheckStatus, code: int) -> None:
    asked: list[tuple[str, str, int]] = []

    def findings(model: str, host: str, port: int, _report: Report) -> Iterator[Finding]:
        asked.append((model, host, port))
        yield Finding("Python", CheckStatus.GOOD, "3.11")
        yield Finding("extra [server]", status, "a [detail]", "pip install 'auricle[server]'")

    monkeypatch.setattr(command, "all_checks", findings)
    result = CliRunner().invoke(app, ["doctor", "--model", "m", "--host", "::1", "--port", "80"])
    assert result.exit_code == code
    assert asked == [("m", "::1", 80)]
    assert "extra [server]    a [detail]" in result.stdout
    assert "→ pip install 'auricle[server]'" in result.stdout
    assert ("A server can run here." in result.stdout) == (code == 0)
