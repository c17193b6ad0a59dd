"""MP3 files with a wrong length, or none: all frames are heard."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.audio_files import open_audio
from auricle_server.audio_files.mpeg_frames import MpegFrame
from tests.auricle_server.audio_files.recordings import RATE, SECONDS, encoded, heard_of, loudness, sweep

# Most of the sound is quiet and needs few bits, so that the bitrate of the start tells nothing about the length.
QUIET = np.concatenate([sweep() * 1e-4, sweep(), sweep() * 1e-4, sweep(), sweep()])
MP3 = encoded("MP3", samples=QUIET)


def first_frame(content: bytes) -> int:
    """Bytes of the frame with the tag."""
    return MpegFrame(struct.unpack(">I", content[:4])[0]).length


def with_count(count: int) -> bytes:
    tag = MP3.index(b"Xing")
    return MP3[: tag + 8] + struct.pack(">I", count) + MP3[tag + 12 :]


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (MP3, 15.0),
        (MP3[first_frame(MP3) :], 15.0),
        (with_count(0), 15.0),
        (with_count(1), 15.0),
        (with_count(40), 15.0),
        (with_count(10**6), 15.0),
        (b"ID3\x04\0\0\0\0\0\x22" + bytes(34) + MP3[first_frame(MP3) :], 15.0),
        (MP3 + MP3, 30.0),
        (MP3 + b"TAG".ljust(128, b"\xff"), 15.0),
    ],
    ids="true without zero one few many tagged joined appended".split(),
)
def test_all_frames_are_heard(tmp_path: Path, content: bytes, seconds: float) -> None:
    samples = heard_of(tmp_path, content, "recording.mp3")
    assert len(samples) / RATE == pytest.approx(seconds, abs=0.2)
    assert loudness(samples[-2 * RATE : -RATE // 2]) == pytest.approx(loudness(sweep()), rel=0.1)


def test_a_file_that_breaks_off_is_as_long_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "cut.mp3").write_bytes(MP3[: len(MP3) * 3 // 4])
    with open_audio(str(tmp_path / "cut.mp3")) as audio:
        stated = audio.duration
        pcm = b"".join(audio.blocks())
        assert stated == audio.duration == pytest.approx(len(pcm) / 2 / RATE, abs=0.002)
        assert len(pcm) / 2 / RATE < 14.0


def test_an_mp3_without_a_tag_comes_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MP3)))
    with open_audio("-") as audio:
        assert sum(map(len, audio.blocks())) / 2 / RATE == pytest.approx(15.0, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_version_and_number_of_channels_can_have_a_tag(tmp_path: Path, rate: int, channels: int) -> None:
    buffer = io.BytesIO()
    samples = np.repeat(sweep(rate=rate)[:, None], channels, axis=1)
    soundfile.write(buffer, samples, rate, format="MP3")
    content = buffer.getvalue()
    samples = heard_of(tmp_path, content[first_frame(content) :])
    assert len(samples) / RATE == pytest.approx(SECONDS, abs=0.25)
    assert loudness(samples[RATE : 2 * RATE]) == pytest.approx(loudness(sweep()), rel=0.1)
