"""Files of any rate, width and format become the PCM that a stream takes; what is no audio is named."""

from __future__ import annotations

import io
import math
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.audio_files import SAMPLE_RATE, UnreadableAudio, open_audio


def tone(rate: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    wave = 0.5 * np.sin(2 * math.pi * 440 * np.arange(round(rate * seconds)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def samples_of(path: Path | str) -> np.ndarray:
    with open_audio(str(path)) as audio:
        return np.frombuffer(b"".join(audio.blocks()), dtype="<i2") / 32767


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_every_format_and_rate_gives_the_same_tone(tmp_path: Path, suffix: str, rate: int) -> None:
    file = tmp_path / f"tone.{suffix}"
    soundfile.write(file, tone(rate), rate)
    heard = samples_of(file)
    assert len(heard) == pytest.approx(SAMPLE_RATE, abs=SAMPLE_RATE * 0.08)  # mp3 pads to its frames
    middle = heard[4000:12000]
    assert np.sqrt((middle**2).mean()) == pytest.approx(0.5 / math.sqrt(2), rel=0.03)
    crossings = np.count_nonzero(np.diff(np.signbit(middle)))
    assert crossings == pytest.approx(440, abs=6)  # two a period, half a second


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
def test_every_sample_format_of_a_wav_file(tmp_path: Path, subtype: str) -> None:
    file = tmp_path / "tone.wav"
    soundfile.write(file, tone(16_000), 16_000, subtype=subtype)
    heard = samples_of(file)
    assert len(heard) == SAMPLE_RATE
    assert np.sqrt((heard**2).mean()) == pytest.approx(0.5 / math.sqrt(2), rel=0.03)


def test_channels_are_averaged(tmp_path: Path) -> None:
    file = tmp_path / "stereo.wav"
    stereo = tone(16_000, channels=2)
    stereo[:, 1] = 0
    soundfile.write(file, stereo, 16_000)
    assert np.abs(samples_of(file)).max() == pytest.approx(0.25, abs=0.01)


def test_not_a_number_and_clipped_samples_stay_in_range(tmp_path: Path) -> None:
    file = tmp_path / "bad.wav"
    samples = tone(16_000)[:, 0]
    samples[100:200], samples[300:400], samples[500] = np.nan, 7.0, -np.inf
    soundfile.write(file, samples, 16_000, subtype="FLOAT")
    heard = samples_of(file)
    assert np.isfinite(heard).all()
    assert heard.max() <= 1.0
    assert np.abs(heard[100:200]).max() < 0.01


def test_duration_is_that_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tone.flac"
    soundfile.write(file, tone(22_050, 2.5), 22_050)
    with open_audio(str(file)) as audio:
        assert audio.duration == pytest.approx(2.5)
        assert audio.name == str(file)


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(16_000), 16_000, format="WAV")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    with open_audio("-") as audio:
        assert audio.name == "<stdin>"
        assert sum(map(len, audio.blocks())) == 2 * SAMPLE_RATE


def test_silence_and_no_samples_at_all(tmp_path: Path) -> None:
    silent, empty = tmp_path / "silent.wav", tmp_path / "empty.wav"
    soundfile.write(silent, np.zeros(16_000), 16_000)
    soundfile.write(empty, np.zeros(0), 16_000)
    assert not samples_of(silent).any()
    assert not len(samples_of(empty))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "no such file"), (b"", "is empty"), (b"hello, I am not audio", "not audio"), (b"RIFF", "not audio")],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    file = tmp_path / "x.wav"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnreadableAudio, match=complaint), open_audio(str(file)):
        pass


@pytest.mark.parametrize("rate", [0, 1, 100, 192_000, 4_000_000_000])
def test_a_rate_that_a_damaged_header_states(tmp_path: Path, rate: int) -> None:
    file = tmp_path / "x.wav"
    soundfile.write(file, tone(16_000, 0.1), 16_000)
    content = bytearray(file.read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    file.write_bytes(content)
    if rate == 192_000:
        assert len(samples_of(file)) == 133
    else:
        with pytest.raises(UnreadableAudio, match=r"rate|not audio"):
            samples_of(file)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="folder"), open_audio(str(tmp_path)):
        pass


def test_empty_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(UnreadableAudio, match="standard input is empty"), open_audio("-"):
        pass


def test_a_flac_file_that_breaks_off(tmp_path: Path) -> None:
    file = tmp_path / "cut.flac"
    soundfile.write(file, np.random.default_rng(1).normal(0, 0.1, 64_000), 16_000)
    file.write_bytes(file.read_bytes()[:40_000])
    with pytest.raises(UnreadableAudio), open_audio(str(file)) as audio:
        assert sum(map(len, audio.blocks())) < 0


def test_a_header_that_states_a_giant_block_takes_no_memory(tmp_path: Path) -> None:
    layout = struct.pack("<HHIIHH", 1, 1024, 2_000_000_000, 0, 2048, 16)
    samples = bytes(4096)
    riff = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<I", len(layout)) + layout
    (tmp_path / "a.wav").write_bytes(riff + b"data" + struct.pack("<I", len(samples)) + samples)
    tracemalloc.start()
    try:
        with open_audio(str(tmp_path / "a.wav")) as audio:
            assert len(b"".join(audio.blocks())) < 100
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
