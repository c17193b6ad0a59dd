"""Our reader against libsndfile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from auricle_server.bench.clips import FOLDER
from auricle_server.bench.flac import BadFlac, read_flac

CLIPS = sorted(FOLDER.glob("*.flac"))


def synthetic(kind: str) -> npt.NDArray[np.int16]:
    rng = np.random.default_rng(7)
    time = np.arange(20_000)
    values = {
        "silence": np.zeros(20_000),
        "constant": np.full(20_000, -1234),
        "noise": rng.integers(-32768, 32768, 20_000),
        "tone": 20_000 * np.sin(time / 9),
        "few bits": rng.integers(-100, 100, 20_000) * 64,
        "short": rng.integers(-5, 5, 17),
        "extremes": np.where(time % 97 < 48, 32767, -32768),
    }
    return values[kind].astype(np.int16)


@pytest.mark.parametrize("path", CLIPS[::3], ids=lambda path: path.name)
def test_bundled_clips(path: Path) -> None:
    assert np.array_equal(read_flac(path), soundfile.read(path, dtype="int16")[0])


@pytest.mark.parametrize("kind", ["silence", "constant", "noise", "tone", "few bits", "short", "extremes"])
def test_every_kind_of_subframe(kind: str, tmp_path: Path) -> None:
    samples = synthetic(kind)
    path = tmp_path / "a.flac"
    soundfile.write(path, samples, 16_000, subtype="PCM_16")
    assert np.array_equal(read_flac(path), samples)


def test_what_it_cannot_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(BadFlac, match="not a FLAC"):
        read_flac(path)
    soundfile.write(path, np.zeros((100, 2), np.int16), 16_000, format="FLAC")
    with pytest.raises(BadFlac, match="2 channels"):
        read_flac(path)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(CLIPS[0].read_bytes()[:40_000])
    with pytest.raises(BadFlac, match="at sample"):
        read_flac(path)
