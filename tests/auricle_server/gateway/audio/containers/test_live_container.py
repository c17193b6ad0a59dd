"""Streams in containers, cut anywhere, become the audio that they hold."""

from __future__ import annotations

import builtins
import random
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from auricle_server.gateway.audio.containers.errors import UndecodableAudio
from auricle_server.gateway.audio.containers.live_container import Container, LiveContainer
from tests.support import tones
from tests.support.formats.containers import file_of, opus_in, opus_packets
from tests.support.tones import Pcm

PCM, _ = tones.utterance(5, 6, trailing=0.5)
FILES = {
    "ogg": lambda: opus_in("ogg", PCM),
    "webm": lambda: opus_in("webm", PCM),
    "mp3": lambda: file_of("MP3", PCM),
    "flac": lambda: file_of("FLAC", PCM),
    "wav": lambda: file_of("WAV", PCM),
    "wav, 24 bits": lambda: file_of("WAV", PCM, subtype="PCM_24"),
    "wav, mu-law": lambda: file_of("WAV", PCM, subtype="ULAW"),
    "wav, extensible": lambda: file_of("WAVEX", PCM),
}


def decoded(data: bytes, seed: int = 1, container: Container | None = None) -> Pcm:
    """In pieces of any length."""
    decoder, chosen, pcm, at = LiveContainer(container), random.Random(seed), b"", 0
    while at < len(data):
        size = chosen.choice((1, 7, 100, 1_000, 10_000))
        pcm += decoder.decode(data[at : at + size])
        at += size
    return np.frombuffer(pcm + decoder.flush(), "<i2")


@pytest.mark.parametrize("name", FILES)
def test_all_of_a_stream_is_decoded_wherever_it_is_cut(name: str) -> None:
    data = FILES[name]()
    pcm = decoded(data)
    # Lossy codecs add some milliseconds at either end.
    assert len(pcm) == pytest.approx(len(PCM), abs=2_500)
    lag = int(np.argmax(np.correlate(pcm[:20_000].astype(float), PCM[:16_000].astype(float), "valid")))
    both = min(len(PCM), len(pcm) - lag)
    assert np.corrcoef(pcm[lag : lag + both], PCM[:both])[0, 1] > 0.9
    assert np.array_equal(decoded(data, seed=2), pcm)


def test_packets_of_opus_may_come_alone() -> None:
    decoder = LiveContainer("opus")
    pcm = b"".join(map(decoder.decode, opus_packets(PCM))) + decoder.flush()
    assert len(pcm) // 2 == pytest.approx(len(PCM), abs=2_500)
    assert len(decoded(opus_in("ogg", PCM), container="ogg")) * 2 == pytest.approx(len(pcm), abs=2_500)


@pytest.mark.parametrize("name", FILES)
def test_damage_ends_one_stream_in_words(name: str) -> None:
    data, chosen = FILES[name](), random.Random(name)
    for _ in range(20):
        broken = bytearray(data)
        for _ in range(chosen.choice((1, 10, 1_000))):
            broken[chosen.randrange(len(broken))] = chosen.randrange(256)
        with suppress(UndecodableAudio):  # any other error would end the test
            assert len(decoded(bytes(broken))) < 100 * len(PCM)


@pytest.mark.parametrize(
    "data", [b"plain samples", b"RIFF\0\0\0\0WAVEdata\0\0\0\0", b"OggS" + bytes(100), b"\x1a\x45\xdf\xa3" + bytes(100)]
)
def test_what_is_no_stream_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableAudio):
        LiveContainer().decode(data)


def test_a_message_that_holds_hours_is_refused() -> None:
    # RFC 6716, section 3.1: 0x19 is configuration 3 with two frames of 60 ms, here without a byte in either.
    first = b"OggS" + bytes([0, 2]) + bytes(20) + bytes([1, 8]) + b"OpusHead"
    page = b"OggS" + bytes(22) + bytes([255]) + b"\x01" * 255 + b"\x19" * 255
    with pytest.raises(UndecodableAudio, match="less at a time"):
        LiveContainer().decode(first + page * 2_000)


def test_without_libav_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UndecodableAudio, match=r"\[containers\]"):
        LiveContainer()
