"""Architectures of published checkpoints, for models with random weights."""

from __future__ import annotations

from collections.abc import Mapping

from auricle_server.checkpoints.config import DecoderConfig, EncoderConfig, MelConfig, ModelConfig, PromptConfig

_LANGUAGES = {"en-US": 0, "en": 0, "es-ES": 2, "fr-FR": 8, "de-DE": 9, "auto": 101}


def _mel(bins: int) -> MelConfig:
    return MelConfig(sample_rate=16_000, window=400, hop=160, n_fft=512, bins=bins, preemphasis=0.97)


def _encoder(layers: int, d_model: int, heads: int, channels: int, left: int, rights: tuple[int, ...]) -> EncoderConfig:
    return EncoderConfig(
        layers=layers,
        d_model=d_model,
        heads=heads,
        conv_kernel=9,
        conv_channels=channels,
        scale_input=False,
        contexts=tuple((left, right) for right in rights),
    )


def _decoder(hidden: int, vocabulary: int) -> DecoderConfig:
    return DecoderConfig(layers=2, hidden=hidden, joint=hidden, vocabulary=vocabulary, max_symbols=10)


SHAPES: Mapping[str, ModelConfig] = {
    "en": ModelConfig(_mel(128), _encoder(24, 1024, 8, 256, 70, (13, 6, 1, 0)), _decoder(640, 1024), None),
    "3.5": ModelConfig(
        _mel(128),
        _encoder(24, 1024, 8, 256, 56, (13, 6, 3, 0)),
        _decoder(640, 13087),
        PromptConfig(size=128, dictionary=_LANGUAGES),
    ),
    "120m": ModelConfig(_mel(80), _encoder(17, 512, 8, 256, 70, (13, 6, 1, 0)), _decoder(640, 1024), None),
    "demo": ModelConfig(_mel(80), _encoder(7, 160, 4, 48, 70, (13, 6, 1, 0)), _decoder(192, 256), None),
}
"""Architectures by the name that `--random-weights` takes. ``en`` and ``3.5`` are those of NVIDIA's two streaming
checkpoints of 0.6 billion parameters, ``120m`` is a smaller one of the family, ``demo`` the bundled model."""
