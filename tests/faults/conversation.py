"""A long conversation from the recordings that come with the server, and a client that speaks it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import as_file, files

import numpy as np
import numpy.typing as npt
import soundfile

from auricle import Final, Reconnected, ReconnectPolicy, Stream, StreamEvent, TurnEnd, TurnSettings
from auricle.audio import pieces
from auricle.protocol.client_messages import Start

RATE = 16_000
FRAME_BYTES = RATE // 50 * 2
EAGER_TO_RETURN = ReconnectPolicy(attempts=1000, first_delay=0.005, max_delay=0.02, replay_seconds=600.0)
"""Keeps more than a live speaker needs: who speaks many times as fast may be a minute ahead of a busy server."""

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Conversation:
    """Audio, and the sample counts at which what was said is wanted."""

    audio: Pcm
    wanted: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.audio) / RATE

    def frames(self) -> Iterator[bytes]:
        """As a transport delivers it: 20 ms each."""
        return pieces(self.audio.tobytes(), FRAME_BYTES)


def conversation(seconds: float, seed: int) -> Conversation:
    """Recordings in random order with pauses between, each wanted 0.2 s after its end."""
    rng = random.Random(seed)
    clips = [_clip(f"clip_{number:02}.wav") for number in range(1, 9)]
    parts: list[Pcm] = []
    wanted, length = [], 0
    while length < seconds * RATE:
        clip = rng.choice(clips)
        pause = np.zeros(round(rng.uniform(0.3, 1.5) * RATE), np.int16)
        parts += [clip, pause]
        wanted.append(length + len(clip) + RATE // 5)
        length += len(clip) + len(pause)
    return Conversation(np.concatenate(parts), tuple(wanted))


def _clip(name: str) -> Pcm:
    with as_file(files("auricle_server") / "demo" / "audio" / name) as path:
        samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    return np.asarray(samples, np.int16)


def start_of(turn: TurnSettings, latency_ms: int) -> Start:
    """How the conversation's streams are opened."""
    return Start(latency_ms=latency_ms, turn=turn, words=True)


@dataclass
class Heard:
    """What came of a conversation."""

    events: list[StreamEvent] = field(default_factory=list)

    @property
    def finals(self) -> list[str]:
        """The texts of all finals that hold words."""
        return [event.text for event in self.events if isinstance(event, Final) and event.text]

    @property
    def text(self) -> str:
        """All finals joined."""
        return " ".join(self.finals)

    @property
    def turns(self) -> list[str]:
        """The texts of all turns."""
        return [event.text for event in self.events if isinstance(event, TurnEnd)]

    @property
    def answers(self) -> list[str]:
        """The finalizes that were answered, in order."""
        return [event.finalize_id for event in self.events if isinstance(event, Final) and event.finalize_id]

    @property
    def returns(self) -> list[Reconnected]:
        """The reconnections."""
        return [event for event in self.events if isinstance(event, Reconnected)]


async def speak(stream: Stream, said: Conversation, speed: float, *, ask: bool) -> Heard:
    """Speaks `said` at `speed` times the speed of speech; returns what was heard.

    Args:
        stream: Open.
        said: What to say.
        speed: 1 is real time.
        ask: Whether to finalize where the conversation wants it.
    """
    heard = Heard()
    talk = asyncio.create_task(_talk(stream, said, speed, said.wanted if ask else ()))
    async for event in stream:
        heard.events.append(event)
    await talk
    return heard


async def _talk(stream: Stream, said: Conversation, speed: float, wanted: tuple[int, ...]) -> None:
    loop, waiting = asyncio.get_running_loop(), list(wanted)
    began, position = loop.time(), 0
    for frame in said.frames():
        await stream.send(frame)
        position += len(frame) // 2
        while waiting and waiting[0] <= position:
            await stream.finalize(str(waiting.pop(0)))
        await asyncio.sleep(max(0.0, began + position / RATE / speed - loop.time()))
    await stream.end()
