"""`auricle transcribe` with files as people have them: a bad one is named and does not stop the others."""

from __future__ import annotations

import errno
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from auricle_server.commands.app import app
from tests.support import tones

PCM, TEXT = tones.utterance(5, 6)
AURICLE = [sys.executable, "-m", "auricle_server"]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "good.wav", PCM, 16_000)
    return tmp_path / "good.wav"


def transcribe(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["transcribe", *map(str, arguments)])


def joined(text: str) -> str:
    return " ".join(text.split())


def test_every_bad_file_is_named_and_the_good_one_is_transcribed(tones_server: str, good: Path) -> None:
    (good.parent / "loop.wav").symlink_to("loop.wav")
    (good.parent / "text.wav").write_text("I am no audio.")
    rate = good.parent / "rate.wav"
    rate.write_bytes(good.read_bytes()[:24] + (1).to_bytes(4, "little") + good.read_bytes()[28:])
    bad = [
        "x" * 300 + ".wav",
        good.parent / "loop.wav",
        f"{good}/no.wav",
        good.parent / "text.wav",
        good.parent,
        "nul/x",
    ]
    result = transcribe(*bad, good, "--url", tones_server)
    assert result.exit_code == 1
    assert joined(result.stdout) == f"==> {good} <== {TEXT}"
    assert result.stderr.count("error ") == len(bad)
    for path in bad:
        assert f"error {path}: " in result.stderr


def test_a_name_that_is_no_utf_8(tones_server: str, good: Path, tmp_path: Path) -> None:
    """In a real process, which has it from the system as bytes."""
    name = os.fsencode(good.parent) + b"/caf\xe9.wav"
    Path(os.fsdecode(name)).write_bytes(good.read_bytes())
    command: list[str | bytes] = [*AURICLE, "transcribe", name, b"caf\xe9", os.fsencode(good), "--url", tones_server]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert ended.returncode == 1
    assert joined(ended.stdout.decode()) == joined(f"==> {good.parent}/caf\\xe9.wav <== {TEXT} ==> {good} <== {TEXT}")
    assert joined(ended.stderr.decode()) == "error caf\\xe9: no such file"
    options = ["--url", tones_server, "--format", "json", "-o", str(tmp_path / "out")]
    into: list[str | bytes] = [*AURICLE, "transcribe", name, *options]
    subprocess.run(into, check=True, timeout=120)
    (output,) = (tmp_path / "out").iterdir()
    assert os.fsencode(output.name) == b"caf\xe9.wav.json"
    assert os.fsencode(json.loads(output.read_text())["file"]) == name


def test_two_inputs_of_one_name_are_refused_before_the_start(good: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "good.wav"
    other.parent.mkdir()
    other.write_bytes(good.read_bytes())
    result = transcribe(good, other, "-o", tmp_path / "out", "--url", "ws://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr.count("error") == 1
    assert str(good) in result.stderr
    assert str(other) in result.stderr
    assert list((tmp_path / "out").iterdir()) == []
    assert result.stdout == ""


def test_an_output_that_cannot_be_written_is_said_before_the_start(good: Path) -> None:
    result = transcribe(good, "-o", good / "out", "--url", "ws://127.0.0.1:1")
    assert result.exit_code == 1
    assert "cannot write to" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_server_is_asked_when_no_output_can_be_written(good: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "good.wav.txt").mkdir(parents=True)
    result = transcribe(good, "-o", tmp_path / "out", "--url", "ws://127.0.0.1:1")
    assert result.exit_code == 1
    assert (
        joined(result.stderr) == f"error {good}: cannot write to {tmp_path}/out/good.wav.txt: it exists and is no file"
    )


def test_one_output_that_cannot_be_written_does_not_stop_the_others(
    tones_server: str, good: Path, tmp_path: Path
) -> None:
    (tmp_path / "out" / "first.wav.txt").mkdir(parents=True)
    first = good.with_name("first.wav")
    first.write_bytes(good.read_bytes())
    result = transcribe(first, good, "-o", tmp_path / "out", "--url", tones_server)
    assert result.exit_code == 1
    assert f"error {first}: cannot write to" in result.stderr
    assert joined((tmp_path / "out" / "good.wav.txt").read_text()) == TEXT


def test_what_could_be_read_of_a_damaged_file_is_transcribed(tones_server: str, tmp_path: Path) -> None:
    samples = np.concatenate([PCM, np.random.default_rng(1).normal(0, 3000, 48_000)]).astype(np.int16)
    soundfile.write(tmp_path / "cut.flac", samples, 16_000)
    content = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(content[:-20_000])
    result = transcribe(tmp_path / "cut.flac", "--url", tones_server)
    assert result.exit_code == 1
    assert joined(result.stdout).startswith(TEXT)
    assert "damaged" in result.stderr
    assert "the transcript has the" in result.stderr


def test_the_duration_is_what_was_read(tones_server: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", PCM, 16_000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    document = json.loads(transcribe(tmp_path / "a.flac", "--url", tones_server, "--format", "json").stdout)
    assert document["duration"] == pytest.approx(len(PCM) / 16_000, abs=0.001)
    assert document["text"] == TEXT


def test_a_pipe_of_the_shell(tones_server: str, good: Path) -> None:
    script = f'exec {" ".join(AURICLE)} transcribe <(cat "$0") - --url {tones_server} < "$0"'
    ended = subprocess.run(["bash", "-c", script, good], capture_output=True, check=False, timeout=120, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split().count("==>") == 2
    assert joined(ended.stdout).count(TEXT) == 2


def test_who_waits_for_a_fifo_can_be_interrupted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    command = [*AURICLE, "transcribe", str(tmp_path / "fifo"), "--url", "ws://127.0.0.1:1"]
    # A shell without a terminal starts its background jobs with the signal ignored, and that is inherited.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=heeding) as process:  # noqa: PLW1509  # no threads
        try:
            writer = opened_once_it_is_read(tmp_path / "fifo")
            time.sleep(2)  # until it waits: a signal just before a system call does not interrupt that
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=120)
            os.close(writer)
        finally:
            process.kill()
    assert (process.returncode, said) == (130, b"")


def opened_once_it_is_read(fifo: Path) -> int:
    deadline = time.monotonic() + 120
    while True:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def test_who_reads_the_transcripts_may_go(tones_server: str, good: Path) -> None:
    """As `head` does: the rest is not transcribed for nobody, and nobody is told of it at length."""
    command = [*AURICLE, "transcribe", *[str(good)] * 3, "--url", tones_server]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert said == b""


def test_a_full_disk_behind_standard_output_is_one_sentence(tones_server: str, good: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [*AURICLE, "transcribe", str(good), "--url", tones_server]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=120, text=True)
    assert ended.stderr.startswith(f"error {good}: cannot write to standard output: No space left on device\n")
    assert "Traceback" not in ended.stderr
    assert ended.returncode != 0


def test_the_output_of_standard_input_has_a_name(tones_server: str, good: Path, tmp_path: Path) -> None:
    arguments = ["transcribe", "-", "--url", tones_server, "-o", str(tmp_path / "out")]
    assert CliRunner().invoke(app, arguments, input=good.read_bytes()).exit_code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["stdin.txt"]


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8765", "localhost", "ws://", "ftp://localhost", "ws://[::1", "ws://a:b", "ws://a:99999", ""]
)
def test_an_address_that_is_none_is_one_sentence(good: Path, url: str) -> None:
    result = transcribe(good, good, "--url", url)
    assert result.exit_code == 1
    assert result.stderr.startswith("error ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


NAMES = [
    "[/bold].wav",
    "[red]call[/red].wav",
    "[x",
    "a [1].wav",
    ":warning:.wav",
    "back\\[b]\\.wav",
    "new\nline.wav",
    "\x1b[31mred.wav",
]


def test_names_are_shown_as_they_are(tones_server: str, good: Path) -> None:
    """On a terminal, where the progress is drawn."""
    for name in NAMES:
        path = good.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(good.read_bytes())
    names = [*NAMES, "[/missing].wav"]
    returncode, shown = in_a_terminal([*AURICLE, "transcribe", *names, "--url", tones_server], good.parent)
    assert "Traceback" not in shown
    assert returncode == 1
    assert "[/missing].wav: no such file" in shown
    assert shown.count(TEXT.split()[0]) >= len(NAMES)
    for name in (
        "[/bold].wav",
        "[red]call[/red].wav",
        ":warning:.wav",
        "back\\[b]\\.wav",
        "new\\nline.wav",
        "\\x1b[31mred",
    ):
        assert f"==> {name}" in shown
        assert shown.count(name) >= 2  # in the header, and in the progress


def in_a_terminal(command: list[str], folder: Path) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, cwd=folder, env=environment) as process:
        os.close(theirs)
        shown, deadline = b"", time.monotonic() + 120
        while time.monotonic() < deadline and select.select([ours], [], [], 120)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    return process.returncode, shown.decode()
