"""A multilingual model of two-tone "words": prompts, ``auto``, and a language tag behind the word that ends a sentence.

It is the two-tone model with another vocabulary and a prompt kernel. "they" is heard as "the" and the tag ``<de-DE>``,
"and" as "a" and ``<en-US>``. Under the prompt for French nothing is heard at all; under the others, everything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import torch

from auricle_server.checkpoints.config import PromptConfig
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from tests.support import tones

PROMPTS = {"en-US": 0, "en": 0, "en-GB": 1, "en-IN": 5, "fr-FR": 8, "de-DE": 9, "auto": 101}
"""A prompt dictionary, with a locale that the published checkpoint was not trained on."""
LANGUAGES = ("auto", "en-US", "en-GB", "fr-FR", "de-DE", "en-IN")
"""What is offered of it."""
_TAGS = {"y": "<de-DE>", "nd": "<en-US>"}
_DEAF = PROMPTS["fr-FR"]


def checkpoint() -> Checkpoint:
    """The model, ready for an engine."""
    base = load_checkpoint(str(tones.CHECKPOINT))
    return replace(
        base,
        name="tongues",
        config=replace(base.config, prompt=PromptConfig(128, PROMPTS)),
        weights={**base.weights, **_kernel(base.config.encoder.d_model)},
        pieces=tuple(_TAGS.get(piece, piece) for piece in base.pieces),
    )


def _kernel(width: int) -> dict[str, torch.Tensor]:
    """relu(x) - relu(-x), the frame itself, but nothing under the prompt that hears nothing."""
    identity = torch.eye(width)
    first = torch.zeros(2 * width, width + 128)
    first[:, :width] = torch.cat((identity, -identity))
    first[:, width + _DEAF] = -1000.0
    return {
        "prompt_kernel.0.weight": first,
        "prompt_kernel.0.bias": torch.zeros(2 * width),
        "prompt_kernel.2.weight": torch.cat((identity, -identity), 1),
        "prompt_kernel.2.bias": torch.zeros(width),
    }


def speech(*parts: float | str, seed: int = 1) -> tones.Pcm:
    """Silences (seconds) and sentences of two-tone words, 16 kHz, with a noise floor."""
    pieces: list[np.ndarray] = []
    for part in parts:
        if isinstance(part, str):
            for word in part.split():
                pieces += [tones.silence(0.14), tones.word(tones.WORDS.index(word), 0.24)]
        else:
            pieces.append(tones.silence(part))
    samples = np.concatenate(pieces)
    samples += 0.001 * np.random.default_rng(seed).standard_normal(len(samples))
    return np.round(samples * 32767).astype(np.int16)


@asynccontextmanager
async def serving(
    slots: int = 8, profile: ModelProfile | None = None, model: Checkpoint | None = None
) -> AsyncIterator[str]:
    """A real server with this model, or one made of it, as if it were published with a profile; its URL."""
    engine = Engine(replace(model or checkpoint(), profile=profile), slots=slots, device="cpu", threads=1)
    async with serve_locally(ServerConfig(max_load=0), engine=engine) as url:
        yield url
