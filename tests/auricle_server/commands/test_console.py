from __future__ import annotations

import pytest

from auricle_server.commands.console import fail


def test_errors_go_to_standard_error_and_are_not_markup(capfd: pytest.CaptureFixture[str]) -> None:
    fail("pip install 'auricle[server]' " + "x" * 200)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == f"error pip install 'auricle[server]' {'x' * 200}\n"
