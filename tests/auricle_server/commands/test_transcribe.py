"""`auricle transcribe`, with real files through a real server."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from typer.testing import CliRunner, Result

from auricle_server.commands.app import app
from tests.support import tones

PCM, TEXT = tones.utterance(5, 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same words as files of several formats and rates, and some that are no audio."""
    folder = tmp_path_factory.mktemp("audio")
    soundfile.write(folder / "16k.wav", PCM, 16_000)
    for name, rate in (("48k.flac", 48_000), ("44k.mp3", 44_100), ("24k.ogg", 24_000)):
        soundfile.write(folder / name, soxr.resample(PCM / 32768, 16_000, rate), rate)
    soundfile.write(folder / "silence.wav", np.zeros(32_000), 16_000)
    soundfile.write(folder / "empty.wav", np.zeros(0), 16_000)
    (folder / "text.wav").write_text("I am no audio.")
    return folder


def transcribe(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["transcribe", *map(str, arguments)], input=stdin)


def joined(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", ["16k.wav", "48k.flac", "44k.mp3", "24k.ogg"])
def test_every_format_gives_the_words(tones_server: str, folder: Path, name: str) -> None:
    result = transcribe(folder / name, "--url", tones_server)
    assert result.exit_code == 0
    assert joined(result.stdout) == TEXT
    assert result.stderr == ""


def test_several_files_have_headers(tones_server: str, folder: Path) -> None:
    first, second = folder / "16k.wav", folder / "48k.flac"
    result = transcribe(first, second, "--url", tones_server)
    assert result.exit_code == 0
    assert joined(result.stdout) == f"==> {first} <== {TEXT} ==> {second} <== {TEXT}"


def test_standard_input(tones_server: str, folder: Path) -> None:
    result = transcribe("-", "--url", tones_server, stdin=(folder / "16k.wav").read_bytes())
    assert joined(result.stdout) == TEXT


def test_a_bad_file_is_named_and_does_not_stop_the_others(tones_server: str, folder: Path) -> None:
    bad = [folder / "missing.wav", folder / "text.wav", folder]
    result = transcribe(*bad, folder / "16k.wav", "--url", tones_server)
    assert result.exit_code == 1
    assert TEXT in joined(result.stdout)
    for path in bad:
        assert f"error {path}: " in result.stderr


@pytest.mark.parametrize("name", ["silence.wav", "empty.wav"])
def test_nothing_said_is_no_error(tones_server: str, folder: Path, name: str) -> None:
    result = transcribe(folder / name, "--url", tones_server)
    assert (result.exit_code, result.stdout) == (0, "")


def test_json_is_one_document_a_line_with_words(tones_server: str, folder: Path) -> None:
    result = transcribe(folder / "16k.wav", folder / "48k.flac", "--url", tones_server, "--format", "json")
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["text"] == second["text"] == TEXT
    assert first["duration"] == pytest.approx(len(PCM) / 16_000, abs=0.01)
    words = [word for segment in first["segments"] for word in segment["words"]]
    assert [word["text"] for word in words] == TEXT.split()
    assert all(0 <= word["start"] < word["end"] <= first["duration"] + 0.1 for word in words)


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_captions_into_a_folder(tones_server: str, folder: Path, tmp_path: Path, kind: str) -> None:
    result = transcribe(folder / "16k.wav", "--url", tones_server, "--format", kind, "-o", tmp_path / "captions")
    assert (result.exit_code, result.stdout) == (0, "")
    written = (tmp_path / "captions" / f"16k.wav.{kind}").read_text()
    assert "-->" in written
    assert TEXT.split()[0] in written


def test_realtime_takes_as_long_as_the_audio(tones_server: str, folder: Path) -> None:
    began = time.monotonic()
    result = transcribe(folder / "16k.wav", "--url", tones_server, "--realtime", "--latency-ms", "80")
    assert joined(result.stdout) == TEXT
    assert time.monotonic() - began >= len(PCM) / 16_000 - 0.2


def test_an_unknown_latency_is_the_servers_word(tones_server: str, folder: Path) -> None:
    result = transcribe(folder / "16k.wav", "--url", tones_server, "--latency-ms", "123")
    assert result.exit_code == 1
    assert "123" in result.stderr


def test_no_server_there(folder: Path) -> None:
    result = transcribe(folder / "16k.wav", folder / "48k.flac", "--url", "ws://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr.count("error") == 1  # said once, not for every file


def test_a_server_of_its_own(folder: Path) -> None:
    pytest.importorskip("torch")
    result = transcribe(folder / "16k.wav", "--model", tones.CHECKPOINT)
    assert result.exit_code == 0
    assert joined(result.stdout) == TEXT


def test_a_model_that_is_none(folder: Path) -> None:
    pytest.importorskip("torch")
    result = transcribe(folder / "16k.wav", "--model", "no/such/model.nemo")
    assert result.exit_code == 1
    assert "no/such/model.nemo" in result.stderr


def test_audio_longer_than_any_buffer_arrives_whole(tones_server: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.concatenate([np.append(PCM, np.zeros(16_000, np.int16))] * 20), 16_000)
    piped = io.BytesIO((tmp_path / "long.wav").read_bytes()).getvalue()
    result = transcribe("-", "--url", tones_server, "--latency-ms", "1120", stdin=piped)
    assert result.exit_code == 0
    assert len(joined(result.stdout).split()) == pytest.approx(20 * len(TEXT.split()), abs=4)
