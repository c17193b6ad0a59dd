"""Talks through the engine, with finalizes at given moments and without: the segments that a client would get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from auricle_server.engine import Engine
from auricle_server.engine.types import Lease, RowResult
from auricle_server.stream.transcript import Segment, Transcript
from tests.bench.finals.talks import PausedTalk

AT_ONCE = 24
_LAST = 1 << 20


@dataclass
class _Run:
    """A talk under way."""

    index: int
    transcript: Transcript
    segments: list[Segment] = field(default_factory=list)

    def take(self, result: RowResult, frame_samples: int) -> None:
        flushed_at = None if result.mark is None else result.samples // frame_samples
        self.transcript.add(result.tokens, result.frames, result.probabilities, flushed_at)
        if result.mark is not None:
            self.segments.append(self.transcript.cut())


def segments(
    engine: Engine, talks: Sequence[PausedTalk], latency_ms: int, cuts: Sequence[Sequence[int]]
) -> list[list[Segment]]:
    """What is heard of each talk, cut at the given samples; one more segment than cuts."""
    frame_samples = round(engine.info.frame_seconds * 16_000)
    found: list[list[Segment]] = [[] for _ in talks]
    waiting, running = list(reversed(range(len(talks)))), dict[int, _Run]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            index = waiting.pop()
            lease = _start(engine, talks[index], latency_ms, cuts[index])
            running[lease.id] = _Run(index, Transcript(engine.info.pieces, frame_samples))
        for result in engine.step().rows():
            run = running[result.lease.id]
            run.take(result, frame_samples)
            if result.ended:
                found[run.index] = running.pop(result.lease.id).segments
    return found


def _start(engine: Engine, talk: PausedTalk, latency_ms: int, cuts: Sequence[int]) -> Lease:
    """Queues all that happens to a stream. What is computed depends on its audio's clock only, not on when it comes."""
    lease, done = engine.open(latency_ms, engine.info.default_language), 0
    for mark, cut in enumerate(cuts):
        engine.push(lease, talk.pcm[done:cut])
        engine.flush(lease, mark)
        done = cut
    engine.push(lease, talk.pcm[done:])
    engine.flush(lease, _LAST, last=True)
    return lease
