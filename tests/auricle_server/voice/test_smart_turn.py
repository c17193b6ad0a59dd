"""Smart Turn hears what Pipecat lets it hear."""

from __future__ import annotations

import numpy as np
import pytest
from pipecat.audio.turn.smart_turn._whisper_features import compute_whisper_log_mel_features
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3

from auricle_server.bench.clips import BenchClip
from auricle_server.voice.models import LoadedModels
from auricle_server.voice.onnx import Floats, to_float
from auricle_server.voice.smart_turn import LONGEST, log_mel


def theirs(audio: Floats) -> Floats:
    audio = audio[-LONGEST:]
    padded = np.pad(audio, (LONGEST - len(audio), 0))
    features: Floats = compute_whisper_log_mel_features(padded, do_normalize=True)
    return features


@pytest.mark.parametrize("samples", [0, 1, 400, 4_000, 40_000, 111_111, LONGEST, LONGEST + 9_999])
def test_the_features_are_whispers(clips: tuple[BenchClip, ...], samples: int) -> None:
    speech = to_float(np.concatenate([clip.pcm for clip in clips]).tobytes())[16_000 : 16_000 + samples]
    for loudness in (1.0, 0.001, 0.0):
        audio: Floats = speech * np.float32(loudness)
        features = log_mel(audio)
        assert features.shape == (80, 800)
        assert features.dtype == np.float32
        assert float(np.abs(features - theirs(audio)).max()) < 1e-4


def test_its_judgement_is_that_of_pipecats_analyser(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    """The network is quantised: the last bit of a feature can move its answer by some hundredths."""
    assert models.smart_turn is not None
    analyser = LocalSmartTurnAnalyzerV3(sample_rate=16000)
    for clip in clips[:3]:
        end = round((clip.speech_end + 0.2) * 16000)
        for pcm in (clip.pcm[:end], clip.pcm[: end // 2]):
            expected = analyser._predict_endpoint(to_float(pcm.tobytes()))["probability"]
            assert models.smart_turn.judge(pcm.tobytes()) == pytest.approx(expected, abs=0.1)
