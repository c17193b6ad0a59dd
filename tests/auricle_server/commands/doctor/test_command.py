from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from auricle_server.checkpoints.progress import Report
from auricle_server.commands.app import app
from auricle_server.commands.doctor import command, published
from auricle_server.commands.doctor.findings import CheckStatus, Finding


@pytest.mark.parametrize(("status", "code"), [(CheckStatus.GOOD, 0), (CheckStatus.NOTE, 0), (CheckStatus.BAD, 1)])
def test_only_a_bad_finding_is_an_exit_code(monkeypatch: pytest.MonkeyPatch, status: CheckStatus, code: int) -> None:
    asked: list[tuple[str, str, int, bool]] = []

    def findings(model: str, host: str, port: int, _report: Report, speed: bool) -> Iterator[Finding]:
        asked.append((model, host, port, speed))
        yield Finding("Python", CheckStatus.GOOD, "3.11")
        yield Finding("extra [server]", status, "a [detail]", "pip install 'auricle[server]'")

    monkeypatch.setattr(command, "all_checks", findings)
    result = CliRunner().invoke(app, ["doctor", "--model", "m", "--host", "::1", "--port", "80", "--no-speed"])
    assert result.exit_code == code
    assert asked == [("m", "::1", 80, False)]
    assert "extra [server]    a [detail]" in result.stdout
    assert "→ pip install 'auricle[server]'" in result.stdout
    assert ("A server can run here." in result.stdout) == (code == 0)


@pytest.mark.parametrize("speed", [True, False])
def test_the_speed_of_the_published_models_is_measured_last_and_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, speed: bool
) -> None:
    monkeypatch.setattr(published, "check_published", lambda: iter([Finding("int8", CheckStatus.GOOD, "")]))
    subjects = [finding.subject for finding in command.all_checks("demo", "127.0.0.1", 0, speed=speed)]
    assert subjects[0] == "Python"
    assert (subjects[-1] == "int8") is speed
