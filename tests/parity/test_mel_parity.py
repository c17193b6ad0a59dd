"""Log-mel computed as audio arrives equals NeMo's features over the whole recording."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.model.forward import Batch
from tests.parity.conftest import Reference
from tests.support import tones

pytestmark = pytest.mark.parity


def loud_and_quiet() -> tones.Pcm:
    """Noise, a stretch near the noise floor of 16 bit, digital silence, full scale clipping."""
    rng = np.random.default_rng(0)
    audio = rng.standard_normal(16_000 * 5) * 3000
    audio[20_000:40_000] *= 1e-3
    audio[50_000:60_000] = 0
    audio[60_000:64_000] *= 50
    return np.clip(np.round(audio), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("latency_ms", [80, 160, 560, 1120])
def test_streamed_features_equal_offline_ones(latency_ms: int) -> None:
    audio = loud_and_quiet()
    engine = Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=1, device="cpu")
    pieces: list[torch.Tensor] = []
    model = engine._runner._model  # type: ignore[attr-defined]
    features = model.features

    def tapped(batch: Batch) -> torch.Tensor:
        mel = features(batch)
        first = 8 * (int(batch.position[0]) - 1) + 1
        rows = range(max(0, -first), min(len(mel[0]), int(batch.mel_frames[0]) - first))
        pieces.append(mel[0, rows.start : rows.stop].clone())
        return mel

    model.features = tapped  # type: ignore[method-assign]
    lease = engine.open(latency_ms, "en-US")
    engine.push(lease, audio)
    engine.flush(lease, 0, last=True)
    while engine.ready:
        engine.step()
    with torch.inference_mode():
        expected = Reference(tones.CHECKPOINT).features(torch.from_numpy(audio.astype(np.float32) / 32768))
    streamed = torch.cat(pieces)
    assert streamed.shape == expected.shape
    assert float((streamed - expected).abs().max()) <= 5e-4
