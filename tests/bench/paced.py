"""Clients that speak in real time, in a process of their own, on an absolute schedule.

Every packet has a due time that depends on nothing but the stream's start, so a slow server cannot slow the clients
down and hide it; how late packets really left is measured, and a run whose clients were late proves nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import jiwer
import numpy as np
import numpy.typing as npt
import soundfile

import auricle
from auricle import Final, Interim, Start, TurnSettings

CLIPS = Path(__file__).parents[2] / "server/auricle_server/demo/audio"
SAMPLE_RATE = 16_000
PACKET_SECONDS = 0.02
FINALIZE_AFTER = 0.2
"""Seconds of silence after which a voice activity detector in its usual setting says that speech has ended."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A bundled recording: PCM, its text, and where speech ends in it, in seconds."""

    pcm: npt.NDArray[np.int16]
    text: str
    speech_end: float


@dataclass(slots=True)
class Report:
    """What one stream measured; all times in seconds.

    Attributes:
        lateness: How late each packet left.
        lag: Arrival of each interim minus the end of the audio on which it rests.
        finals: Arrival of each final minus the sending of its finalize.
        texts: Text of each final, by the clip that it ends.
        missing: Finalizes without an answer.
    """

    lateness: list[float] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    finals: list[float] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)
    missing: int = 0


def load_clips() -> list[Clip]:
    """The recordings that come with the package."""
    entries = json.loads((CLIPS / "manifest.json").read_text())
    return [
        Clip(soundfile.read(CLIPS / entry["file"], dtype="int16")[0], entry["text"], entry["speech_end"])
        for entry in entries
    ]


def run_clients(url: str, streams: int, latency_ms: int, seconds: float, seed: int) -> list[Report]:
    """Runs `streams` clients for about `seconds`; the entry point of a client process."""
    return asyncio.run(_all(url, streams, latency_ms, seconds, seed))


async def _all(url: str, streams: int, latency_ms: int, seconds: float, seed: int) -> list[Report]:
    clips, rng = load_clips(), random.Random(seed)
    return await asyncio.gather(
        *(_speaker(url, clips, latency_ms, seconds, random.Random(rng.random())) for _ in range(streams))
    )


class _Speaker:
    """One client: clips in random order, a finalize behind each, finals matched to them."""

    def __init__(self, stream: auricle.Stream, clips: list[Clip], rng: random.Random) -> None:
        self._stream, self._clips, self._rng = stream, clips, rng
        self._asked: dict[str, tuple[int, float]] = {}
        self.report = Report()
        self._began = 0.0
        self._sent = 0

    async def speak(self, seconds: float) -> None:
        self._began = time.monotonic()
        while self._sent / SAMPLE_RATE < seconds:
            for index in self._rng.sample(range(len(self._clips)), len(self._clips)):
                if self._sent / SAMPLE_RATE < seconds:
                    await self._say(index)
        await self._stream.end()

    async def _say(self, index: int) -> None:
        clip, size, asked = self._clips[index], round(PACKET_SECONDS * SAMPLE_RATE), False
        for at in range(0, len(clip.pcm), size):
            packet = clip.pcm[at : at + size]
            due = self._began + (self._sent + len(packet)) / SAMPLE_RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.report.lateness.append(time.monotonic() - due)
            await self._stream.send(packet.tobytes())
            self._sent += len(packet)
            if not asked and (at + len(packet)) / SAMPLE_RATE >= clip.speech_end + FINALIZE_AFTER:
                asked = True
                self._asked[await self._stream.finalize()] = index, time.monotonic()

    async def listen(self) -> None:
        async for event in self._stream:
            now = time.monotonic()
            if isinstance(event, Interim):
                self.report.lag.append(now - self._began - event.audio_time)
            elif isinstance(event, Final) and event.finalize_id is not None:
                index, asked = self._asked.pop(event.finalize_id)
                self.report.finals.append(now - asked)
                self.report.texts.append((index, event.text))
        self.report.missing = len(self._asked)


async def _speaker(url: str, clips: list[Clip], latency_ms: int, seconds: float, rng: random.Random) -> Report:
    await asyncio.sleep(rng.random())  # streams in random phase
    async with auricle.connect(url, start=Start(latency_ms=latency_ms, turn=TurnSettings(mode="off"))) as stream:
        speaker = _Speaker(stream, clips, rng)
        await asyncio.gather(speaker.speak(seconds), speaker.listen())
        return speaker.report


def word_error_rate(reports: list[Report]) -> float:
    """Over all finals; case and punctuation do not count."""
    clips = load_clips()
    references = [_plain(clips[index].text) for report in reports for index, _ in report.texts]
    hypotheses = [_plain(text) for report in reports for _, text in report.texts]
    return float(jiwer.wer(references, hypotheses))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", " ", text.lower()).split())
