"""What a format gives the file lane."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile

from auricle.protocol.client_messages import Encoding
from auricle.protocol.server_messages import Final, Ready, TurnEnd
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.session.file_endpoint import ChannelTranscript, RawAudio

READY = Ready(
    session="s",
    model="m",
    latencies_ms=(160,),
    languages=("en", "de"),
    latency_ms=160,
    language="en",
    limits=DEFAULT_LIMITS,
)


def final(text: str) -> Final:
    return Final(text=text, start=0.0, end=1.0, language="en", settled=1.0)


@pytest.mark.parametrize(
    ("encoding", "subtype", "width"), [("pcm_s16le", "PCM_16", 2), ("mulaw", "ULAW", 1), ("alaw", "ALAW", 1)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_without_a_header_get_one(encoding: Encoding, subtype: str, width: int, channels: int) -> None:
    buffer = io.BytesIO()
    samples = (np.arange(8000 * channels).reshape(-1, channels) * 3 % 20_000).astype(np.int16)
    soundfile.write(buffer, samples, 8000, format="RAW", subtype=subtype)
    assert len(buffer.getvalue()) == 8000 * width * channels
    header = RawAudio(encoding, 8000, channels).wave_header
    read: Any = soundfile.SoundFile(io.BytesIO(header + buffer.getvalue()))
    assert (read.samplerate, read.channels, read.subtype) == (8000, channels, subtype)
    error = np.abs(read.read(8000, dtype="int16", always_2d=True).astype(int) - samples)
    assert error.max() <= (0 if width == 2 else 600)


def test_a_transcript_is_of_the_finals_that_hold_words() -> None:
    end = TurnEnd(probability=1.0, speech_end=1.0, text="one two")
    transcript = ChannelTranscript(READY, (final("one"), final(""), end, final("two")))
    assert transcript.text == "one two"
    assert [each.text for each in transcript.finals] == ["one", "two"]
