"""The audio of a recording as a speaker, or a file, delivers it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from auricle.audio import pieces, seconds_of, size_of
from auricle_server.audio_files import SAMPLE_RATE

_PACKET_SECONDS = 0.02
"""What a microphone in WebRTC delivers at a time."""
_PIECE_SECONDS = 0.5


async def paced(pcm: bytes, began: float, *, realtime: bool) -> AsyncIterator[bytes]:
    """The audio in packets.

    In real time each packet comes when its last sample has been spoken. The schedule is absolute: a slow server delays
    no later packet, and so cannot hide its own delay.

    Args:
        pcm: 16 kHz mono, signed 16 bit.
        began: Moment of the first sample, on the monotonic clock.
        realtime: Whether to wait for the speaker; otherwise larger pieces come at once.
    """
    sent = 0.0
    for packet in pieces(pcm, size_of(_PACKET_SECONDS if realtime else _PIECE_SECONDS, SAMPLE_RATE)):
        sent += seconds_of(len(packet), SAMPLE_RATE)
        if realtime:
            await asyncio.sleep(max(0.0, began + sent - time.monotonic()))
        yield packet
