"""Samples of the first channel, with and without the header of a WAV file."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.codes import ProtocolViolation
from auricle_server.gateway.session.formats.riva_audio import RivaAudio
from auricle_server.gateway.session.formats.riva_settings import RivaSettings


def audio(start: Start | None = None, **settings: Any) -> RivaAudio:
    return RivaAudio(RivaSettings(start or Start(), **settings))


def test_audio_may_be_cut_within_samples() -> None:
    stream = audio()
    assert [stream.push(data) for data in (b"\1", b"\2\3", b"\4", b"")] == [b"", b"\1\2", b"\3\4", b""]


def test_of_several_channels_the_first_is_heard() -> None:
    stream = audio(channels=2)
    samples = struct.pack("<6h", 1, -1, 2, -2, 3, -3)
    heard = b"".join(stream.push(samples[at : at + 5]) for at in range(0, len(samples), 5))
    assert struct.unpack("<3h", heard) == (1, 2, 3)
    telephone = audio(Start(encoding="mulaw"), channels=2)
    assert telephone.push(b"\1\2\3\4") == b"\1\3"


def wave(channels: int = 1, rate: int = 16_000, code: int = 1, bits: int = 16) -> bytes:
    layout = struct.pack("<HHIIHH", code, channels, rate, rate * 2, 2, bits)
    listed = struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    return b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + layout + listed + b"data\xff\xff\xff\xff"


@pytest.mark.parametrize("piece", [1, 7, 1_000])
def test_the_header_of_a_wav_file_is_taken_off(piece: int) -> None:
    stream, file = audio(wave=True), wave() + b"\1\2\3\4"
    heard = b"".join(stream.push(file[at : at + piece]) for at in range(0, len(file), piece))
    assert heard == b"\1\2\3\4"
    assert audio(wave=True).push(b"RIFT") == b"RIFT"
    assert audio(wave=True).push(b"\1\2") == b"\1\2"


@pytest.mark.parametrize("header", [wave(channels=2), wave(rate=8_000), wave(code=7, bits=8), wave(code=3, bits=32)])
def test_a_header_that_names_another_format_is_refused(header: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="bad_audio"):
        audio(wave=True).push(header)


def test_a_header_without_end_is_refused() -> None:
    stream = audio(wave=True)
    with pytest.raises(ProtocolViolation, match="64 kB"):
        stream.push(b"RIFF\0\0\0\0WAVE" + b"JUNK\xff\xff\xff\x7f" + bytes(70_000))
