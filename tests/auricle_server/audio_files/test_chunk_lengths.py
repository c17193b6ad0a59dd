"""Containers whose header gives another length than they have: all samples are heard, and nothing else."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from auricle_server.audio_files import open_audio
from auricle_server.audio_files.chunk_lengths import with_true_length
from auricle_server.audio_files.pieced_file import ByteSpan, PiecedFile
from tests.auricle_server.audio_files.recordings import RATE, encoded, heard_of, sweep

WHOLE = (sweep() * 32767).round() / 32767

# Container, the format of the field with its length, where it is, and what of it is no sound.
FIELDS = {
    "WAV": ("<I", b"data", 4, 0),
    "AIFF": (">I", b"SSND", 4, 8),
    "AU": (">I", b".snd", 8, 0),
    "CAF": (">q", b"data", 4, 4),
    "RF64": ("<Q", b"ds64", 16, 0),
    "W64": ("<Q", b"data\xf3", 16, 24),
}
LIES = {"nothing": 0, "a second": 2 * RATE, "more than there is": 10**6, "all bits": -1}


def lying(kind: str, length: int) -> bytes:
    """A file of 3 s that states another length: bytes of sound, or -1 for all bits set."""
    layout, chunk, offset, other = FIELDS[kind]
    content = bytearray(encoded(kind, "PCM_16"))
    width = struct.calcsize(layout)
    value = -1 if length < 0 else length + (other if length else 0)
    at = content.rindex(chunk) + offset
    content[at : at + width] = value.to_bytes(width, "little" if layout[0] == "<" else "big", signed=value < 0)
    return bytes(content)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("kind", FIELDS)
def test_a_wrong_length_loses_nothing(tmp_path: Path, kind: str, lie: str) -> None:
    samples = heard_of(tmp_path, lying(kind, LIES[lie]))
    assert len(samples) == len(WHOLE)
    assert np.abs(samples - WHOLE).max() < 1e-3


def test_a_recorder_that_crashed_has_written_no_length_at_all(tmp_path: Path) -> None:
    content = bytearray(encoded("WAV"))
    content[4:8] = content[40:44] = bytes(4)
    assert len(heard_of(tmp_path, bytes(content))) == len(WHOLE)


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "CAF"])
def test_what_follows_the_samples_is_not_heard(tmp_path: Path, kind: str) -> None:
    size = struct.pack({"WAV": "<I", "AIFF": ">I", "CAF": ">q"}[kind], 400)
    samples = heard_of(tmp_path, encoded(kind, "PCM_16") + b"note" + size + b"\x7f" * 400)
    assert len(samples) == len(WHOLE)


@pytest.mark.parametrize("tail", [b"TAG".ljust(128, b"\x7f"), b"LIST" + struct.pack("<I", 400) + b"\x7f" * 100])
def test_neither_a_tag_nor_a_note_that_breaks_off_is_heard(tmp_path: Path, tail: bytes) -> None:
    assert len(heard_of(tmp_path, encoded("WAV") + tail)) == len(WHOLE)


def test_a_wav_without_a_sample_is_empty_also_before_a_note(tmp_path: Path) -> None:
    content = encoded("WAV", samples=np.zeros(0, np.float32))
    assert not len(heard_of(tmp_path, content))
    assert not len(heard_of(tmp_path, content + b"LIST" + struct.pack("<I", 4) + b"INFO"))


def test_a_wav_of_more_than_four_gigabytes(tmp_path: Path) -> None:
    seconds = 150_000  # sparse: it takes no room on the disk
    path = tmp_path / "long.wav"
    header = bytearray(encoded("WAV", samples=np.zeros(0, np.float32)))
    header[40:44] = struct.pack("<I", 2 * RATE * seconds % 2**32)  # as recorders do whose counter has 32 bits
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 2 * RATE * seconds)
    with open_audio(str(path)) as audio:
        assert audio.duration == pytest.approx(seconds)


def test_a_true_header_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "true.wav"
    path.write_bytes(encoded("WAV"))
    with path.open("rb") as file:
        assert with_true_length(PiecedFile(file.fileno(), [ByteSpan(0, path.stat().st_size)])) is None
