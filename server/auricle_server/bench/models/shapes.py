"""Architectures of published checkpoints, for models with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from auricle_server.checkpoints.config import DecoderConfig, EncoderConfig, MelConfig, ModelConfig, parse_config

PUBLISHED = ("en", "3.5")
"""NVIDIA's two streaming checkpoints of 0.6 billion parameters, by the name that `--random-weights` takes."""
_FOLDER = Path(__file__).parent / "published"


def published_tree(name: str) -> dict[str, Any]:
    """The configuration of a published checkpoint as NeMo stores it, without the vocabulary; `name` as in `PUBLISHED`.

    The file says where each part is known from.
    """
    tree: dict[str, Any] = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text())
    return tree


def _smaller(bins: int, encoder: EncoderConfig, hidden: int, vocabulary: int) -> ModelConfig:
    mel = MelConfig(sample_rate=16_000, window=400, hop=160, n_fft=512, bins=bins, preemphasis=0.97)
    decoder = DecoderConfig(layers=2, hidden=hidden, joint=hidden, vocabulary=vocabulary, max_symbols=10)
    return ModelConfig(mel, encoder, decoder, None)


def _encoder(layers: int, d_model: int, heads: int, channels: int) -> EncoderConfig:
    return EncoderConfig(
        layers=layers,
        d_model=d_model,
        heads=heads,
        conv_kernel=9,
        conv_channels=channels,
        scale_input=False,
        contexts=((70, 13), (70, 6), (70, 1), (70, 0)),
    )


SHAPES: Mapping[str, ModelConfig] = {
    **{name: parse_config(published_tree(name)) for name in PUBLISHED},
    "120m": _smaller(80, _encoder(17, 512, 8, 256), 640, 1024),
    "demo": _smaller(80, _encoder(7, 160, 4, 48), 192, 256),
}
"""Architectures by the name that `--random-weights` takes. ``en`` and ``3.5`` are those of NVIDIA's two streaming
checkpoints of 0.6 billion parameters, ``120m`` is a smaller one of the family, ``demo`` the bundled model."""
