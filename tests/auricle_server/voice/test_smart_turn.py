"""Smart Turn hears what Pipecat lets it hear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from pipecat.audio.turn.smart_turn._whisper_features import compute_whisper_log_mel_features
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

from auricle_server.bench.clips import BenchClip
from auricle_server.voice import onnx
from auricle_server.voice.end_of_turn_scores import SURE
from auricle_server.voice.models import LoadedModels, find_models
from auricle_server.voice.onnx import Floats, to_float
from auricle_server.voice.smart_turn import LONGEST, log_mel

LAST_BIT = 2.0**-22
"""Of a float between 2 and 4; no feature is larger."""


def theirs(audio: Floats) -> Floats:
    audio = audio[-LONGEST:]
    padded = np.pad(audio, (LONGEST - len(audio), 0))
    features: Floats = compute_whisper_log_mel_features(padded, do_normalize=True)
    return features


def same_features(one: Floats, other: Floats) -> bool:
    """Equal but for the last bit, where fp64 lies close to the middle between two floats."""
    return float(np.abs(one - other).max()) <= LAST_BIT


@pytest.mark.parametrize("samples", [0, 1, 400, 4_000, 40_000, 111_111, LONGEST, LONGEST + 9_999])
def test_the_features_are_whispers(clips: tuple[BenchClip, ...], samples: int) -> None:
    speech = to_float(np.concatenate([clip.pcm for clip in clips]).tobytes())[16_000 : 16_000 + samples]
    for loudness in (1.0, 0.001, 0.0):
        audio: Floats = speech * np.float32(loudness)
        features = log_mel(audio)
        assert features.shape == (80, 800)
        assert features.dtype == np.float32
        assert same_features(features, theirs(audio))


def test_the_features_do_not_depend_on_how_a_processor_adds(
    clips: tuple[BenchClip, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A discrete Fourier transform by its definition rounds otherwise than any fast one."""

    def transform(frames: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.complex128]:
        assert axis == -1
        size = frames.shape[-1]
        turns = np.outer(np.arange(size), np.arange(size // 2 + 1)) % size / size
        product: npt.NDArray[np.complex128] = frames @ np.exp(-2j * np.pi * turns)
        return product

    expected = [log_mel(to_float(clip.pcm.tobytes())) for clip in clips[:3]]
    monkeypatch.setattr(np.fft, "rfft", transform)
    for clip, features in zip(clips, expected, strict=False):
        assert same_features(log_mel(to_float(clip.pcm.tobytes())), features)


def test_its_judgement_is_that_of_pipecats_analyser(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    assert models.smart_turn is not None
    analyser = LocalSmartTurnAnalyzerV3(sample_rate=16000)
    analyser._session = exact_session()  # Pipecat's own saturates on a processor without VNNI
    for pcm in silences(clips):
        expected = analyser._predict_endpoint(to_float(pcm))["probability"]
        assert models.smart_turn.judge(pcm) == pytest.approx(expected, abs=1e-4)


def test_the_last_bits_of_the_features_do_not_move_its_judgement(
    models: LoadedModels, clips: tuple[BenchClip, ...]
) -> None:
    """Of 64,000 inputs one or two lie so close to the middle between two of their 256 steps that they move."""
    assert models.smart_turn is not None
    rng = np.random.default_rng(0)
    for pcm in silences(clips):
        features, score = log_mel(to_float(pcm)), models.smart_turn.judge(pcm)
        for _ in range(3):
            noise = rng.choice((-LAST_BIT, 0.0, LAST_BIT), features.shape).astype(np.float32)
            (output,) = models.smart_turn.run(input_features=(features + noise)[None])
            assert output.item() == pytest.approx(score, abs=0.05)
            assert (output.item() >= 0.5) == (score >= 0.5)
            assert (output.item() >= SURE) == (score >= SURE)


def silences(clips: tuple[BenchClip, ...]) -> Iterator[bytes]:
    """What was said at the end of each clip, and in the middle of it."""
    for clip in clips[:3]:
        end = round((clip.speech_end + 0.2) * 16000)
        yield clip.pcm[:end].tobytes()
        yield clip.pcm[: end // 2].tobytes()


def exact_session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(find_models().smart_turn, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("flags", "exact"),
    [("fma avx2", False), ("avx2 avx512f avx512bw", False), ("avx2 avx512_vnni", True), ("avx2 avx_vnni", True)],
)
def test_a_processor_without_vnni_is_told_to_add_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, exact: bool
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(onnx, "_CPUINFO", cpuinfo)
    assert not onnx._adds_exactly()
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t:\n")
    assert onnx._adds_exactly() == exact
