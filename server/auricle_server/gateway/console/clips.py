"""The recordings that come with the server, for those who try it without a microphone."""

from __future__ import annotations

import json
from typing import Any

from auricle_server.demo.programme import AUDIO_FOLDER

CLIPS_PREFIX = "clips/"
_KEYS = ("text", "language", "voice", "condition", "duration", "speech_end", "turns")


def clip_list() -> list[dict[str, Any]]:
    """What is known of each recording.

    Returns:
        For each its `name`, the `url` of its WAV file (16 kHz, mono) relative to the list's, and of its manifest the
        spoken `text`, `language`, `voice`, acoustic `condition`, `duration`, `speech_end` and `turns`; times are
        seconds.

    Raises:
        OSError: The package is incomplete.
    """
    manifest: list[dict[str, Any]] = json.loads((AUDIO_FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return [
        {"name": entry["file"].removesuffix(".wav"), "url": entry["file"]}
        | {key: entry[key] for key in _KEYS if key in entry}
        for entry in manifest
    ]
