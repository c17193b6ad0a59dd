"""What the processes of a server have in common: their event loop, their logs, their end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auricle_server.serving.processes import loop_factory


def test_gateways_run_on_uvloop_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    uvloop = pytest.importorskip("uvloop")
    assert loop_factory() is uvloop.new_event_loop
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is None


def test_logs_go_to_standard_error_one_line_an_event() -> None:
    code = (
        "import logging\nfrom auricle_server.serving.processes import configure_logging\n"
        "from auricle_server.config import ServerConfig\n"
        "configure_logging(ServerConfig())\nlogging.getLogger('a').info('hello')\nlogging.getLogger('a').debug('no')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.endswith("INFO    MainProcess a: hello")
