"""What the page must know of the server before it opens a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import auricle
from auricle.protocol.settings import TURN_MODES
from auricle_server.model_info import ModelInfo


def page_config(
    infos: Sequence[ModelInfo],
    turn_signals: Sequence[str],
    *,
    status: str,
    keys_required: bool,
) -> dict[str, Any]:
    """The content of `/console/config.json`.

    Args:
        infos: The models that are ready, that of clients that name none first; none before the first one is.
        turn_signals: As in `Ready.turn_signals`.
        status: ``"ready"``, ``"loading"``, ``"no worker"`` or ``"draining"``, as at `/readyz`.
        keys_required: Whether a stream needs a key.
    """
    info = infos[0] if infos else None
    return {
        "version": auricle.__version__,
        "status": status,
        "model": None if info is None else _model(info),
        "models": [_model(each) for each in infos],
        "turn_modes": TURN_MODES,
        "turn_signals": turn_signals,
        "keys_required": keys_required,
        "demo": None if info is None or info.demo is None else {**asdict(info.demo), "sentence": info.demo.sentence},
    }


def _model(info: ModelInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "latencies_ms": info.latencies_ms,
        "default_latency_ms": info.default_latency_ms,
        "languages": info.languages,
        "default_language": info.default_language,
        "slots_of_worker": info.slots,
    }
