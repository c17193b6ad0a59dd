"""How a recording is streamed. Imports nothing, so that the command line starts fast."""

from __future__ import annotations

from enum import StrEnum


class StreamMode(StrEnum):
    """How a recording is streamed: live; live, with finals of the second pass; as a file."""

    LIVE = "live"
    REFINED = "refined"
    OFFLINE = "offline"
