"""`--channel`: recorded calls with a party on each channel, and channels that cancel each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from auricle_server.commands.app import app
from tests.support import tones

FIRST, FIRST_TEXT = tones.utterance(5, 6)
SECOND, SECOND_TEXT = tones.utterance(6, 6)
TURN = max(len(FIRST), len(SECOND)) + 16_000


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """The first party speaks, then the second."""
    samples = np.zeros((2 * TURN, 2), np.int16)
    samples[: len(FIRST), 0] = FIRST
    samples[TURN : TURN + len(SECOND), 1] = SECOND
    soundfile.write(tmp_path / "call.wav", samples, 16_000)
    return tmp_path / "call.wav"


def transcribe(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["transcribe", *map(str, arguments)])


def joined(text: str) -> str:
    return " ".join(text.split())


def test_a_transcript_for_each_party_in_one_clock(tones_server: str, call: Path) -> None:
    result = transcribe(call, "--url", tones_server, "--channel", "split", "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    first, second = map(json.loads, result.stdout.splitlines())
    assert [each["channel"] for each in (first, second)] == [1, 2]
    assert [each["text"] for each in (first, second)] == [FIRST_TEXT, SECOND_TEXT]
    assert first["duration"] == second["duration"] == pytest.approx(2 * TURN / 16_000, abs=0.001)
    assert first["segments"][-1]["end"] <= TURN / 16_000 <= second["segments"][0]["start"] + 0.2


def test_the_text_names_file_and_channel(tones_server: str, call: Path) -> None:
    result = transcribe(call, "--url", tones_server, "--channel", "split")
    assert joined(result.stdout) == (f"==> {call}, channel 1 <== {FIRST_TEXT} ==> {call}, channel 2 <== {SECOND_TEXT}")


def test_a_file_for_each_party(tones_server: str, call: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert transcribe(call, "--url", tones_server, "--channel", "split", "-o", out).exit_code == 0
    written = {path.name: joined(path.read_text()) for path in out.iterdir()}
    assert written == {"call.wav.1.txt": FIRST_TEXT, "call.wav.2.txt": SECOND_TEXT}


@pytest.mark.parametrize(("channel", "text"), [("1", FIRST_TEXT), ("2", SECOND_TEXT)])
def test_one_party(tones_server: str, call: Path, channel: str, text: str) -> None:
    result = transcribe(call, "--url", tones_server, "--channel", channel)
    assert (result.exit_code, joined(result.stdout)) == (0, text)


def test_a_channel_that_is_not_there_is_named_and_does_not_stop_the_others(
    tones_server: str, call: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "mono.wav", FIRST, 16_000)
    result = transcribe(tmp_path / "mono.wav", call, "--url", tones_server, "--channel", "2")
    assert result.exit_code == 1
    assert f"error {tmp_path / 'mono.wav'}: there is no channel 2: the recording has 1 channel" in result.stderr
    assert SECOND_TEXT in joined(result.stdout)


@pytest.mark.parametrize("value", ["0", "-1", "left", "1.5", ""])
def test_what_is_no_channel(call: Path, value: str) -> None:
    result = transcribe(call, f"--channel={value}")
    assert result.exit_code == 2
    assert "expected mix, split, or a number from 1" in joined(result.stderr.replace("│", " "))


def test_opposite_channels_are_heard_and_noticed(tones_server: str, tmp_path: Path) -> None:
    path = tmp_path / "opposite.wav"
    soundfile.write(path, np.stack([FIRST, -FIRST], axis=1), 16_000)
    result = transcribe(path, "--url", tones_server)
    assert (result.exit_code, joined(result.stdout)) == (0, FIRST_TEXT)
    assert f"note {path}: its channels have opposite polarity" in result.stderr
    assert transcribe(path, "--url", tones_server, "--channel", "1").stderr == ""
