"""FLAC files that state a wrong length or none; the other containers are tested beside their modules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auricle_server.audio_files import UnreadableAudio, open_audio
from tests.auricle_server.audio_files.recordings import RATE, SECONDS, encoded, heard_of, sweep

FLAC = encoded("FLAC")
_LENGTH = 21


def stating(samples: int, content: bytes = FLAC) -> bytes:
    low = samples.to_bytes(5)
    head = content[_LENGTH] & 0xF0 | low[0]
    return content[:_LENGTH] + bytes([head]) + low[1:] + content[_LENGTH + 5 :]


@pytest.mark.parametrize("samples", [0, 1, RATE, 10 * RATE, 2**36 - 1])
def test_a_flac_file_is_read_to_its_end_and_counted(tmp_path: Path, samples: int) -> None:
    heard = heard_of(tmp_path, stating(samples))
    assert len(heard) == SECONDS * RATE
    assert np.abs(heard - sweep()).max() < 1e-3


def test_a_flac_file_of_unknown_length_has_no_duration_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(stating(0))
    with open_audio(str(tmp_path / "a.flac")) as audio:
        assert audio.duration is None
        assert len(b"".join(audio.blocks())) == 2 * SECONDS * RATE
        assert audio.duration == SECONDS


@pytest.mark.parametrize("content", [FLAC, stating(0), b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + FLAC])
def test_a_tag_before_or_after_it_is_not_heard(tmp_path: Path, content: bytes) -> None:
    assert len(heard_of(tmp_path, content + b"TAG".ljust(128, b"\0"))) == SECONDS * RATE


def test_what_was_heard_before_the_damage_is_kept(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 64_000).astype(np.float32)
    content = encoded("FLAC", samples=noise)
    (tmp_path / "cut.flac").write_bytes(content[: len(content) * 2 // 3])
    blocks: list[bytes] = []
    with open_audio(str(tmp_path / "cut.flac")) as audio:
        with pytest.raises(UnreadableAudio, match="damaged"):
            blocks.extend(audio.blocks())
        assert audio.duration == pytest.approx(2.6, abs=0.3)
        assert sum(map(len, blocks)) / 2 / RATE == pytest.approx(audio.duration, abs=0.002)
