"""What a server with a bundled model says: people's speech needs a published one, and whether that fits here."""

from __future__ import annotations

import logging

from auricle_server.checkpoints.hub.short_names import NEMOTRON_3_5, NEMOTRON_EN, short_name
from auricle_server.checkpoints.known.bundled import BUNDLED
from auricle_server.model_info import DemoHint

log = logging.getLogger(__name__)

_COUNTERPARTS = {"demo": (NEMOTRON_EN, "en"), "demo-multilingual": (NEMOTRON_3_5, "3.5")}
"""Bundled model -> the published one that takes its place, and the name of its architecture."""


def demo_hint(name: str) -> DemoHint | None:
    """The hint of a bundled model; None for every other model.

    Takes some milliseconds where PyTorch is loaded: nothing is downloaded, built or measured.

    Args:
        name: The model, as a user names it.
    """
    if name not in BUNDLED:
        return None
    import torch

    from auricle_server.bench.models.shapes import SHAPES
    from auricle_server.checkpoints.known.lookup import KNOWN_MODELS
    from auricle_server.engine.memory_fit import memory_fit

    published, architecture = _COUNTERPARTS[name]
    profile = next(each for each in KNOWN_MODELS if each.id == published)
    # What the bundled model has taken of a GPU is free when the other one runs in its place.
    freed = torch.cuda.memory_reserved() if torch.cuda.is_available() else 0
    fit = memory_fit(SHAPES[architecture], freed)
    return DemoHint(
        model=name,
        published=published,
        command=f"auricle serve --model {short_name(published)}",
        # A server takes the safetensors, which come last.
        download_bytes=profile.files[-1].size,
        weights_bytes=fit.need.weights,
        stream_bytes=fit.need.stream,
        free_bytes=fit.free,
        precision=fit.precision,
        device=str(fit.device),
        streams=fit.streams,
    )
