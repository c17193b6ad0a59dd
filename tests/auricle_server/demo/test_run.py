"""The demo itself, on a short clip: real server processes, real Pipecat, real LiveKit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from auricle_server.commands.app import app
from tests.support import tones

pytestmark = pytest.mark.slow


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """One utterance of two-tone words, its end found by its energy."""
    pcm, text = tones.utterance(21, 6)
    loud = np.convolve(np.abs(pcm.astype(np.float64)), np.ones(160) / 160, "same")
    end = np.flatnonzero(loud > 0.2 * loud.max())[-1] / 16_000
    soundfile.write(tmp_path / "clip.flac", pcm, 16_000)
    entry = {"file": "clip.flac", "text": text, "voice": "tones", "speech_end": float(end)}
    (tmp_path / "manifest.json").write_text(json.dumps([entry]))
    return tmp_path


@pytest.mark.timeout(240)
def test_both_hosts_at_every_latency(clips: Path, tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    result = CliRunner().invoke(
        app, ["demo", "--model", str(tones.CHECKPOINT), "--clips", str(clips), "--picture", str(picture)]
    )
    assert result.exit_code == 0, result.output
    for adapter in ("Pipecat", "LiveKit"):
        for latency in (80, 160, 560, 1120):
            assert f"{adapter:<8}{latency:>5} ms  turn end" in result.stdout
    assert "Every turn end came" in result.stdout
    assert "turn&#160;end" in picture.read_text()


@pytest.mark.timeout(180)
def test_a_server_that_cannot_start_says_why(clips: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--model", "no/such/file.nemo", "--clips", str(clips)])
    assert result.exit_code == 1
    assert "no/such/file.nemo" in result.stderr
