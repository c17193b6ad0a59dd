from __future__ import annotations

import pytest

from auricle_server.bench.models.shapes import SHAPES
from auricle_server.checkpoints.config import ModelConfig


@pytest.mark.parametrize("name", ["en", "3.5"])
def test_the_large_ones_have_600_million(name: str) -> None:
    """Counted by hand, without drawing gigabytes."""
    encoder = SHAPES[name].encoder
    blocks = encoder.layers * (16 + 8) * encoder.d_model**2
    assert 590 < blocks / 1e6 < 620


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_chunks_last_from_80_to_1120_ms(config: ModelConfig) -> None:
    assert config.frame_samples == 1280  # 80 ms
    rights = [right for _, right in config.encoder.contexts]
    assert rights[0] == 13
    assert rights[-1] == 0
    assert rights == sorted(rights, reverse=True)
