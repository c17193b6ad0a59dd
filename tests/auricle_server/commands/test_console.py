from __future__ import annotations

import io
from pathlib import Path

import pytest
import soundfile
from rich.console import Console
from typer.testing import CliRunner

from auricle_server.commands import console
from auricle_server.commands.app import app
from auricle_server.commands.console import fail
from tests.support import tones


def test_errors_go_to_standard_error_and_are_not_markup(capfd: pytest.CaptureFixture[str]) -> None:
    fail("pip install 'auricle[server]' " + "x" * 200)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == f"error pip install 'auricle[server]' {'x' * 200}\n"


NAMES = ["[/bold].wav", "[red]a[/red]", "[x", ":warning:", "back\\[b]\\", "ends\\"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(console, "notes", Console(file=shown, force_terminal=True, width=120))
    with console.progress_bars(f"Starting a server with the model {name}"):
        pass
    assert f"the model {name}" in shown.getvalue()
    with console.file_progress() as progress:
        progress.add_task(name, total=None, caption=f"{name}!")
    assert f"{name}!" in shown.getvalue()
    for say in (console.fail, console.warn):
        shown.truncate(0)
        say(f"{name}: no such file")
        assert f" {name}: no such file\n" in shown.getvalue()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("café – 今.wav", "café – 今.wav"),
        ("caf\udce9.wav", "caf\\xe9.wav"),
        ("new\nline\x1b[31m\u2028\x7f.wav", "new\\nline\\x1b[31m\\u2028\\x7f.wav"),
    ],
)
def test_what_cannot_be_shown_is_escaped(name: str, shown: str) -> None:
    assert console.printable(name) == shown


def test_bars_show_what_is_reported_and_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(console, "notes", Console(file=shown, force_terminal=True, width=120))
    with console.progress_bars("Starting a server") as report:
        report("unpacking model.nemo", 1_000_000, 4_000_000)
        report("unpacking model.nemo", 3_000_000, 4_000_000)
    assert "Starting a server" in shown.getvalue()
    assert "unpacking model.nemo" in shown.getvalue()
    assert "3.0/4.0 MB" in shown.getvalue()


def test_where_there_is_no_terminal_progress_is_lines(capfd: pytest.CaptureFixture[str]) -> None:
    with console.progress_bars() as report:
        report("[model]", 1_000_000, 4_000_000)
        report("[model]", 4_000_000, 4_000_000)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "[model]: 1 of 4 MB"
    assert lines[1].startswith("[model]: 4 of 4 MB")


def test_commands_use_the_server_of_the_environment_and_arguments_win(
    tmp_path: Path, tones_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pcm, text = tones.utterance(5, 12)
    file = tmp_path / "16k.wav"
    soundfile.write(file, pcm, 16_000)
    (tmp_path / "16k.txt").write_text(text)

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(app, [*map(str, arguments)])
        return " ".join((result.stdout if result.exit_code == 0 else result.stderr).split())

    monkeypatch.setenv("AURICLE_URL", tones_server)
    assert run("transcribe", file) == text
    assert "80 ms" in run("evaluate", tmp_path, "--latency-ms", 80)
    monkeypatch.setenv("AURICLE_URL", "ws://127.0.0.1:1")
    for command in ("transcribe", "evaluate"):
        assert "no server at ws://127.0.0.1:1" in run(command, file if command == "transcribe" else tmp_path)
    assert run("transcribe", file, "--url", tones_server) == text
    assert run("transcribe", file, "--model", tones.CHECKPOINT) == text  # a server of its own
