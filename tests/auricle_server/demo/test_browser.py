"""The demo on a page, without a page: what opens, what is printed, and the exit codes. tests/console has the page."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auricle_server.commands.app import app
from auricle_server.demo.browser import open_page
from tests.support import tones

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SCREENS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_screen")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
def test_without_a_screen_no_browser_is_tried() -> None:
    assert not open_page("http://127.0.0.1:1/")


@pytest.mark.usefixtures("no_screen")
def test_the_users_own_browser_gets_the_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    program.chmod(0o755)
    # `webbrowser` reads the variable once in a process.
    code = (
        "import sys; from auricle_server.demo.browser import open_page; sys.exit(not open_page('http://127.0.0.1:1/'))"
    )
    environment = os.environ | {"BROWSER": f"{program} %s"}

    async def run() -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=environment)
        return await asyncio.wait_for(process.wait(), 60)

    assert asyncio.run(run()) == 0
    assert (tmp_path / "opened").read_text() == "http://127.0.0.1:1/\n"


def test_a_picture_of_the_page_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--browser", "--picture", str(tmp_path / "demo.svg")])
    assert result.exit_code == 2
    assert "--picture" in result.stderr


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_the_address_is_printed_and_ctrl_c_ends_a_demo_that_nobody_has_opened() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "auricle_server", "demo", "--browser", "--model", str(tones.CHECKPOINT)),
        env={name: value for name, value in os.environ.items() if name not in SCREENS},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # A shell without a terminal starts its background jobs with the signal ignored, and that is inherited.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    printed = ""
    async with asyncio.timeout(120):
        while "Open this page in a browser to see the demo: http://127.0.0.1:" not in printed:
            line = await process.stdout.readline()
            assert line, printed
            printed += line.decode()
        process.send_signal(signal.SIGINT)
        rest = (await process.stdout.read()).decode()
        assert await process.wait() == 130, printed + rest
    assert "Traceback" not in rest
