"""Audio as Deepgram's clients send it."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from auricle.protocol.codes import ProtocolViolation
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.formats.deepgram_audio import (
    SAMPLES,
    DeepgramAudio,
    DeepgramSamples,
    raw_encoding,
    read_audio,
)
from tests.support import tones
from tests.support.formats.containers import file_of

PCM, _ = tones.utterance(5, 3)


@pytest.mark.parametrize(
    ("encoding", "rate", "audio", "used"),
    [
        ("", None, DeepgramAudio(contained=True), 16_000),
        ("", 8_000, SAMPLES, 8_000),
        ("linear16", None, SAMPLES, 16_000),
        ("LINEAR32", 24_000, DeepgramAudio(wide=True), 24_000),
        ("mulaw", None, DeepgramAudio("mulaw"), 8_000),
        ("opus", 48_000, DeepgramAudio(contained=True, container="opus"), 16_000),
    ],
)
def test_what_a_query_says(encoding: str, rate: int | None, audio: DeepgramAudio, used: int) -> None:
    assert read_audio(encoding, rate) == (audio, used)


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadRequest, match="encoding 'speex' is not one of linear16"):
        read_audio("speex", None)
    with pytest.raises(BadRequest, match="channels: expected at most 64"):
        read_audio("linear16", None, 65)
    assert (raw_encoding("alaw"), raw_encoding("webm")) == (("alaw", 8_000), None)


def test_samples_and_containers_become_samples() -> None:
    plain = DeepgramSamples(SAMPLES)
    assert [plain.push(data) for data in (b"1", b"23", b"4")] == [b"", b"12", b"34"]
    assert plain.flush() == b""
    wave = DeepgramSamples(DeepgramAudio(contained=True))
    pcm = np.frombuffer(wave.push(file_of("WAV", PCM)) + wave.flush(), "<i2")
    assert np.array_equal(pcm, PCM)
    second = DeepgramSamples(DeepgramAudio(channels=2, split=True), channel=1)
    assert second.push(np.array([1, 2, 3, 4], "<i2").tobytes()) == np.array([2, 4], "<i2").tobytes()


def test_what_is_no_audio_ends_the_stream() -> None:
    with pytest.raises(ProtocolViolation, match="encoding"):
        DeepgramSamples(DeepgramAudio(contained=True)).push(b"no audio")


def test_without_the_extra_containers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_av(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(BadRequest, match=r"\[containers\]"):
        DeepgramSamples(DeepgramAudio(contained=True))
