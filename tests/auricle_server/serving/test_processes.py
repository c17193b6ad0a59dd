"""What the processes of a server have in common: their event loop, their logs, their end."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from auricle_server.config import ServerConfig
from auricle_server.serving.processes import CANNOT_START, loop_factory, worker_main


def test_gateways_run_on_uvloop_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    uvloop = pytest.importorskip("uvloop")
    assert loop_factory() is uvloop.new_event_loop
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is None


def test_a_worker_with_an_impossible_configuration_says_that_a_restart_would_not_help(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, ready = multiprocessing.Pipe(duplex=False)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        worker_main(ServerConfig(model="/there/is/no/such/model"), f"ipc://{tmp_path}/worker-0", 0, ready)
    assert ended.value.code == CANNOT_START == os.EX_CONFIG
    assert "/there/is/no/such/model" in caplog.text


def test_logs_go_to_standard_error_one_line_an_event() -> None:
    code = (
        "import logging\nfrom auricle_server.serving.processes import configure_logging\n"
        "configure_logging('INFO')\nlogging.getLogger('a').info('hello')\nlogging.getLogger('a').debug('no')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.endswith("INFO    MainProcess a: hello")
