"""An engine of the demo model, its streams and their tokens, and key terms that change what it hears."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine, Lease
from auricle_server.engine.build import Hardware

TERMS = ("receive", "side", "Nightingale", "Rose Bellini")
LATENCY_MS = 160
"""At which the demo model hears "received the lid" for what is stream."""
FAVOURED_WORD = "Remind me to receive the side"


@dataclass
class StreamTokens:
    """A stream and its tokens."""

    lease: Lease
    tokens: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    at_mark: dict[int, list[int]] = field(default_factory=dict)


class Recognizer:
    """An engine and its streams."""

    def __init__(self, slots: int = 8, *, static: bool = False) -> None:
        self.engine = Engine(load_checkpoint("demo"), slots=slots, hardware=Hardware("cpu", static=static), threads=1)
        self.streams: dict[Lease, StreamTokens] = {}

    def open(self, terms: tuple[str, ...] = (), latency_ms: int = LATENCY_MS) -> StreamTokens:
        lease = self.engine.open(latency_ms, "en-US", terms)
        self.streams[lease] = StreamTokens(lease)
        return self.streams[lease]

    def run(self) -> None:
        while self.engine.ready:
            self.step()

    def step(self) -> None:
        for row in self.engine.step().rows():
            stream = self.streams[row.lease]
            if row.mark is not None:
                stream.at_mark[row.mark] = [*row.tokens]
            if row.mark is None or row.ended:  # a flush's tokens are decoded again
                stream.tokens += row.tokens
                stream.frames += row.frames

    def transcribe(self, audio: npt.NDArray[np.int16], terms: tuple[str, ...] = ()) -> StreamTokens:
        """A stream from beginning to end."""
        stream = self.open(terms)
        self.engine.push(stream.lease, audio)
        self.engine.flush(stream.lease, 0, last=True)
        self.run()
        return stream

    def text(self, stream: StreamTokens) -> str:
        return "".join(self.engine.info.pieces[token] for token in stream.tokens).replace("\u2581", " ").strip()
