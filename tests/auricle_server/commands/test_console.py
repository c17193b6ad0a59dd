from __future__ import annotations

import io

import pytest
from rich.console import Console

from auricle_server.commands import console
from auricle_server.commands.console import fail


def test_errors_go_to_standard_error_and_are_not_markup(capfd: pytest.CaptureFixture[str]) -> None:
    fail("pip install 'auricle[server]' " + "x" * 200)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == f"error pip install 'auricle[server]' {'x' * 200}\n"


def test_bars_show_what_is_reported_and_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(console, "notes", Console(file=shown, force_terminal=True, width=120))
    with console.progress_bars("Starting a server") as report:
        report("unpacking model.nemo", 1_000_000, 4_000_000)
        report("unpacking model.nemo", 3_000_000, 4_000_000)
    assert "Starting a server" in shown.getvalue()
    assert "unpacking model.nemo" in shown.getvalue()
    assert "3.0/4.0 MB" in shown.getvalue()
