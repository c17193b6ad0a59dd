"""What the native protocol says about some audio: what other wire formats must say, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.auricle_server.raw_client import connected_client
from tests.support.tones import Pcm


@dataclass(frozen=True)
class NativeAnswer:
    """One stream, without its interims.

    Attributes:
        text: Of all finals, joined by spaces.
        words: Text, start and end in seconds of each word.
        finals: The events themselves.
        turn_ends: The events themselves.
        settled: Of the last final before each turn's end: seconds up to which all is final.
    """

    text: str
    words: list[tuple[str, float, float]]
    finals: list[dict[str, Any]]
    turn_ends: list[dict[str, Any]]
    settled: list[float]


async def native_answer(url: str, audio: Pcm | bytes, **settings: Any) -> NativeAnswer:
    """Sends the audio, and the end; `settings` are those of the `Start`, as JSON."""
    async with connected_client(url) as client:
        await client.start(**settings)
        await client.send_audio(audio)
        await client.end()
    finals = [event for event in client.events if event["type"] == "final"]
    words = [(word["text"], word["start"], word["end"]) for final in finals for word in final.get("words", [])]
    ends = [event for event in client.events if event["type"] == "turn_end"]
    settled, last = [], 0.0
    for event in client.events:
        if event["type"] == "final":
            last = event["settled"]
        elif event["type"] == "turn_end":
            settled.append(last)
    return NativeAnswer(client.text, words, finals, ends, settled)
