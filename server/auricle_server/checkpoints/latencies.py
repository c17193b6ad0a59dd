"""Which chunk latencies a model has, and which of them its streams get. Loads no tensor library."""

from __future__ import annotations

from dataclasses import replace

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.known.profiles import ModelProfile

PREFERRED_LATENCY_MS = 160
"""Default of a model without a profile where its checkpoint has it: for voice agents the best trade of those that
the English model offers."""


def with_profile(config: ModelConfig, profile: ModelProfile | None) -> ModelConfig:
    """The configuration with the right contexts that the profile adds, after the checkpoint's own."""
    if profile is None:
        return config
    encoder = config.encoder
    left, own = encoder.contexts[0][0], {right for _, right in encoder.contexts}
    added = tuple((left, right) for right in profile.added_right_contexts if right not in own)
    return replace(config, encoder=replace(encoder, contexts=(*encoder.contexts, *added)))


def latencies_ms(config: ModelConfig) -> tuple[int, ...]:
    """Chunk latencies in the order of the contexts: a right context of R frames makes chunks of R + 1."""
    return tuple(round((right + 1) * config.frame_seconds * 1000) for _, right in config.encoder.contexts)


def default_latency_ms(config: ModelConfig, profile: ModelProfile | None) -> int:
    """The latency of streams that name none: the profile's, else 160 ms, else the first of the checkpoint.

    A model is published with its own default first (NeMo's ``att_context_size``, and `transformers`'
    ``default_num_lookahead_tokens``): that of the multilingual one is 320 ms, and its smallest is its least accurate.
    """
    offered = latencies_ms(config)
    wanted = None if profile is None else profile.default_latency_ms
    return next((latency for latency in (wanted, PREFERRED_LATENCY_MS) if latency in offered), None) or offered[0]
