"""Feeds an engine as a careless world would: random pieces, random batches, slots used again and again."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field

import torch

from auricle_server.engine import Lease
from auricle_server.engine.engine import Engine
from auricle_server.engine.model.forward import Batch
from tests.support.tones import Pcm


@dataclass
class Heard:
    """All that came of one stream."""

    tokens: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    marks: dict[int, int] = field(default_factory=dict)
    """Tokens reported up to each mark."""
    encoded: list[torch.Tensor] = field(default_factory=list)


@dataclass
class _Feed:
    lease: Lease
    job: int
    audio: Pcm
    at: int = 0


class Feeder:
    """Streams many pieces of audio through one engine at once.

    Args:
        engine: Whose.
        seed: Of pieces and batches.
        keep_encoded: Whether to keep encoder frames (whole chunks and last flushes).
    """

    def __init__(self, engine: Engine, seed: int, keep_encoded: bool = False) -> None:
        self._engine = engine
        self._rng = random.Random(seed)
        self.heard: dict[int, Heard] = defaultdict(Heard)
        self._job_of_slot: dict[int, int] = {}
        if keep_encoded:
            self._tap_encoder()

    def _tap_encoder(self) -> None:
        model = self._engine._runner._model  # type: ignore[attr-defined]
        encode = model.encode

        def tapped(mel: torch.Tensor, batch: Batch) -> torch.Tensor:
            encoded: torch.Tensor = encode(mel, batch)
            for row, (slot, valid) in enumerate(zip(batch.slots.tolist(), batch.last.tolist(), strict=True)):
                self.heard[self._job_of_slot[slot]].encoded.append(encoded[row, :valid].clone())
            return encoded

        model.encode = tapped

    def run(
        self, jobs: dict[int, Pcm], latency_ms: int, language: str | dict[int, str], at_once: int
    ) -> dict[int, Heard]:
        """Streams all `jobs`, at most `at_once` at a time, in one language or in one of their own, to a last flush."""
        waiting, feeds = list(jobs), dict[int, _Feed]()
        while waiting or feeds:
            while waiting and len(feeds) < at_once:
                job = waiting.pop()
                own = language if isinstance(language, str) else language[job]
                lease = self._engine.open(latency_ms, own)
                feeds[lease.id] = _Feed(lease, job, jobs[job])
                self._job_of_slot[lease.slot] = job
            for feed in self._rng.sample(list(feeds.values()), self._rng.randint(1, len(feeds))):
                self._feed(feed)
            for _ in range(self._rng.randint(0, 2)):
                self.step(feeds)
            if not any(feed.at < len(feed.audio) for feed in feeds.values()):
                while self._engine.ready:
                    self.step(feeds)
        return self.heard

    def _feed(self, feed: _Feed) -> None:
        if feed.at > len(feed.audio):
            return
        size = self._rng.choice((1, 20, 160, 320, 777, 1280, 5000, 20000))
        self._engine.push(feed.lease, feed.audio[feed.at : feed.at + size])
        feed.at += size
        if feed.at >= len(feed.audio):
            feed.at = len(feed.audio) + 1
            self._engine.flush(feed.lease, 0, last=True)

    def step(self, feeds: dict[int, _Feed]) -> None:
        """One engine step, its results filed by job."""
        for result in self._engine.step().rows():
            heard = self.heard[feeds[result.lease.id].job]
            heard.tokens += result.tokens
            heard.frames += result.frames
            if result.ended:
                del feeds[result.lease.id]
