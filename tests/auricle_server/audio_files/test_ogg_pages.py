"""Ogg files that break off, state a wrong length, or follow each other."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from auricle_server.audio_files import UnreadableAudio
from auricle_server.audio_files.ogg_pages import _checksum  # the one that decoders expect
from tests.auricle_server.audio_files.recordings import RATE, encoded, heard_of, loudness, sweep

LONG = 12.0
OGG = {kind: encoded("OGG", kind, sweep(LONG) / np.float32(4)) for kind in ("VORBIS", "OPUS")}


def pages(content: bytes) -> list[int]:
    found, at = [], 0
    while at < len(content):
        found.append(at)
        segments = content[at + 26]
        at += 27 + segments + sum(content[at + 27 : at + 27 + segments])
    return found


def with_last_position(content: bytes, position: int) -> bytes:
    at = pages(content)[-1]
    page = bytearray(content[at:])
    struct.pack_into("<q", page, 6, position)
    page[22:26] = bytes(4)
    page[22:26] = struct.pack("<I", _checksum(page))
    return content[:at] + bytes(page)


@pytest.mark.parametrize("kind", OGG)
def test_a_recording_that_breaks_off_within_a_page_keeps_what_is_whole(tmp_path: Path, kind: str) -> None:
    starts = pages(OGG[kind])
    before, last, after = starts[-4:-1]
    samples = heard_of(tmp_path, OGG[kind][: (last + after) // 2])
    (whole,) = struct.unpack_from("<q", OGG[kind], before + 6)
    assert len(samples) / RATE > whole / (48_000 if kind == "OPUS" else RATE) + 0.1
    assert loudness(samples[-RATE // 2 :]) > loudness(sweep() / 4) / 2


@pytest.mark.parametrize("kind", OGG)
def test_packets_of_a_single_page_are_not_lost_with_its_end(tmp_path: Path, kind: str) -> None:
    start = pages(OGG[kind])[2]
    page = 4000
    samples = heard_of(tmp_path, OGG[kind][: start + page - 600])
    assert len(samples) / RATE > 0.3


@pytest.mark.parametrize("kind", OGG)
@pytest.mark.parametrize("position", [-1, 0, RATE])
def test_a_last_page_with_a_wrong_position_is_heard(tmp_path: Path, kind: str, position: int) -> None:
    samples = heard_of(tmp_path, with_last_position(OGG[kind], position))
    assert len(samples) / RATE == pytest.approx(LONG, abs=0.05)


@pytest.mark.parametrize("kind", OGG)
def test_a_whole_file_is_as_long_as_it_says(tmp_path: Path, kind: str) -> None:
    assert len(heard_of(tmp_path, OGG[kind])) == LONG * RATE


def test_files_one_after_the_other_are_all_heard(tmp_path: Path) -> None:
    samples = heard_of(tmp_path, OGG["VORBIS"] + OGG["OPUS"] + OGG["VORBIS"])
    assert len(samples) / RATE == pytest.approx(3 * LONG, abs=0.05)
    assert loudness(samples[-RATE:]) == pytest.approx(loudness(sweep() / 4), rel=0.1)


@pytest.mark.parametrize(
    "content",
    [b"OggS", b"OggS" + bytes(23), b"OggS" * 100, OGG["OPUS"][:60]],
    ids=["magic", "zeros", "repeated", "cut"],
)
def test_what_only_looks_like_ogg_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableAudio, match="not audio"):
        heard_of(tmp_path, content)
