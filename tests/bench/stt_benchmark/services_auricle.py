"""Auricle's entry for Pipecat's stt-benchmark: see the README beside it."""

from __future__ import annotations

import os
from typing import Any

from pipecat.processors.frame_processor import FrameProcessor

MODEL = "nvidia/nemotron-speech-streaming-en-0.6b"
"""What the server must run for a result under this label."""
LATENCY_MS = 160


def create_auricle() -> FrameProcessor:
    """The service of one sample's pipeline, in which the benchmark's voice detection ends the turns.

    Raises:
        KeyError: ``AURICLE_URL`` is not in the environment.
    """
    from pipecat_auricle import AuricleSTTService

    return AuricleSTTService(
        url=os.environ["AURICLE_URL"],
        api_key=os.getenv("AURICLE_API_KEY"),
        turn_detection="vad",
        settings=AuricleSTTService.Settings(latency_ms=LATENCY_MS),
    )


DEFINITION: dict[str, Any] = {
    "factory": create_auricle,
    "vendor": "Auricle",
    "model_label": MODEL,
    "required_env_vars": ["AURICLE_URL"],
}
"""The arguments of a ``ServiceDefinition``."""
