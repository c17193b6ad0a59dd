"""The command line as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from typing import Any

import pytest
from typer.testing import CliRunner

from auricle_server.commands.app import app


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120", "TERM": "dumb"})


def test_version() -> None:
    result = invoke("--version")
    assert (result.exit_code, result.stdout) == (0, f"auricle {metadata.version('auricle')}\n")


@pytest.mark.parametrize("command", ["serve", "transcribe", "demo", "models", "pull", "doctor", "bench", "keys"])
def test_help_of_every_command(command: str) -> None:
    assert command in invoke("--help").stdout
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


def test_an_unknown_option_is_a_usage_error() -> None:
    assert invoke("serve", "--no-such-option").exit_code == 2
    assert invoke("transcribe").exit_code == 2


def test_the_script_and_the_module_are_the_same_command() -> None:
    script = subprocess.run(["auricle", "--version"], check=True, stdout=subprocess.PIPE, env=path_of_this_python())
    module = subprocess.run([sys.executable, "-m", "auricle_server", "--version"], check=True, stdout=subprocess.PIPE)
    assert script.stdout == module.stdout


def path_of_this_python() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}  # noqa: PTH120
