"""ServerCommands with values that no command has."""

from __future__ import annotations

import json
import multiprocessing
import socket
from pathlib import Path
from typing import Any

import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.children.standby import Standby
from auricle_server.serving.commands import ServerCommands
from auricle_server.serving.control import ControlConnection
from auricle_server.serving.workers import Workers


def answer(request: dict[str, Any], folder: Path, refusal: str = "", model: str = "demo") -> dict[str, Any]:
    """The first line that the command gets; no worker is ready."""
    config = ServerConfig(model=model, port=8765)
    reader, writer = multiprocessing.Pipe(duplex=False)
    commands = ServerCommands(config, Workers(config, folder, reader, Standby(config, reader)))
    ours, theirs = socket.socketpair()
    commands.obey(ControlConnection(theirs, request=request), refusal)
    with ours, theirs, reader, writer, ours.makefile() as lines:
        found: dict[str, Any] = json.loads(lines.readline())
    return found


def test_the_status_names_port_and_models(tmp_path: Path) -> None:
    found = answer({"command": "status"}, tmp_path, "still starting", "en=demo,multi=demo-multilingual")
    assert (found["port"], found["models"]) == (8765, ["en", "multi"])


@pytest.mark.parametrize(
    ("request_fields", "why"),
    [
        ({"command": "stop"}, "no command 'stop'"),
        ({}, "no command 'None'"),
        ({"command": "reload", "model": 7}, "expected text"),
        ({"command": "reload", "source": ["x"]}, "expected text"),
        ({"command": "reload", "source": "x" * 5000}, "expected text"),
        ({"command": "reload", "drain_seconds": -1}, "drain_seconds: expected 0 to"),
        ({"command": "reload", "drain_seconds": True}, "drain_seconds"),
        ({"command": "reload", "drain_seconds": float("nan")}, "drain_seconds"),
        ({"command": "reload", "drain_seconds": "9"}, "drain_seconds"),
        ({"command": "reload", "model": "x"}, "no model 'x': the server has one model, which has no name"),
        ({"command": "reload"}, "a worker is not ready"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, request_fields: dict[str, Any], why: str) -> None:
    assert why in answer(request_fields, tmp_path)["error"]


def test_a_server_that_is_starting_reloads_nothing(tmp_path: Path) -> None:
    assert answer({"command": "reload"}, tmp_path, "the server is still starting") == {
        "error": "the server is still starting"
    }
