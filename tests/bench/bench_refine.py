"""What a second lane brings and costs: refined finals against those of the own and of the longest latency.

    python -m tests.bench.bench_refine

Held-out sentences of the demo model's voices, in noise, rooms and telephone bands too, finalized as a voice detection
would: 0.2 s behind each. Times of the worker are CPU time of its thread, so that other programs do not count; only
the time from a finalize to its final is by the clock, through a real server.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final
from auricle.protocol.settings import REFINES, Refine, TurnSettings
from auricle_server.bench.report.results import record, write
from auricle_server.bench.report.summaries import Spread
from auricle_server.bench.transcripts import word_errors
from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.finals.measures import words
from tests.bench.finals.talks import PausedTalk, talks
from tests.support.engine.calls import Call, Exchange

FIRST_SEED = 1_000_000
AT_ONCE = 12
STOP = SAMPLE_RATE // 5
"""Samples of silence behind a sentence, after which it is finalized."""
PIECE = SAMPLE_RATE * 80 // 1000
PACKET = SAMPLE_RATE // 50
PHASES = 56
"""Packets of the longest chunk."""
LATENCY_MS = 80
OFF = TurnSettings(mode="off")


@dataclass
class RefineTally:
    """Of one setting: word errors against what was said, CPU seconds of the worker and seconds of audio."""

    finals: int = 0
    refined: int = 0
    words: int = 0
    errors: int = 0
    cpu: float = 0.0
    audio: float = 0.0

    def add(self, talk: PausedTalk, finals: list[Final]) -> None:
        """One talk's finals, one more than sentences: the last is what came behind them."""
        texts = [final.text for final in finals[: len(talk.parts)]]
        texts[-1] = " ".join([texts[-1], *(final.text for final in finals[len(talk.parts) :])])
        for part, text in zip(talk.parts, texts, strict=True):
            said = words(part.text)
            self.words += len(said)
            self.errors += word_errors(said, words(text))
        self.finals += len(talk.parts)
        self.refined += sum(final.refined for final in finals[: len(talk.parts)])
        self.audio += len(talk.pcm) / SAMPLE_RATE

    def figures(self) -> dict[str, float]:
        """For the report."""
        wer = 100 * self.errors / self.words
        return asdict(self) | {"wer_percent": wer, "cpu_per_audio_second": self.cpu / self.audio}


def speak(call: Call, talk: PausedTalk) -> Iterator[None]:
    """Says a talk in pieces, with a finalize behind each sentence, and yields in between."""
    cuts = [part.end + STOP for part in talk.parts]
    at = 0
    for number, cut in enumerate([*cuts, len(talk.pcm)]):
        while at < cut:
            piece = talk.pcm[at : min(at + PIECE, cut)]
            call.hear(piece)
            at += len(piece)
            yield
        if number < len(cuts):
            call.finalize(str(number))
            yield
    call.end()
    yield


def hear(engine: Engine, spoken: list[PausedTalk], start: Start, tally: RefineTally) -> None:
    """Talks at once, as real streams would come: a piece of each, and then the worker's turn."""
    exchange, running = Exchange(engine), dict[Call, tuple[PausedTalk, Iterator[None]]]()
    for number, talk in enumerate(spoken):
        call = Call(exchange, number, start)
        running[call] = talk, speak(call, talk)
    while running:
        for _, speech in running.values():
            next(speech, None)
        while not exchange.idle:
            tally.cpu += tick(exchange)
            for call in running:
                call.read()
        for call in [call for call in running if call.over]:
            tally.add(running.pop(call)[0], call.finals)


def compare(engine: Engine, spoken: list[PausedTalk]) -> dict[str, RefineTally]:
    """All talks in all settings, which take turns, so that what else the machine does meets them alike."""
    latencies = engine.info.latencies_ms
    starts = [Start(latency_ms=each, turn=OFF, refine="off") for each in latencies]
    starts += [Start(latency_ms=each, turn=OFF, refine="on") for each in latencies[:-1]]
    tallies = {start: RefineTally() for start in starts}
    for at in range(0, len(spoken), AT_ONCE):
        for start, tally in tallies.items():
            hear(engine, spoken[at : at + AT_ONCE], start, tally)
    return {f"{s.latency_ms} ms" + (" refined" if s.refine == "on" else ""): tally for s, tally in tallies.items()}


def tick(exchange: Exchange) -> float:
    """A tick of the worker: CPU seconds."""
    began = time.thread_time()
    exchange.tick()
    return time.thread_time() - began


# --- how many streams are served in time -----------------------------------------------------------------------------


class LiveLoad:
    """Streams that speak in real time, on a clock that only the worker's work moves.

    They begin at moments of their own, spread over the longest chunk.
    """

    def __init__(self, engine: Engine, spoken: list[PausedTalk], streams: int, refine: Refine) -> None:
        start = Start(latency_ms=LATENCY_MS, turn=OFF, refine=refine)
        self._exchange = Exchange(engine)
        self._calls = [Call(self._exchange, number, start) for number in range(streams)]
        self._audio = [spoken[number % len(spoken)].pcm for number in range(streams)]
        self._phases = [number * PHASES // streams for number in range(streams)]
        self._known = [0.0] * streams
        self._sent = 0
        self._now = 0.0

    def run(self, ramp: float, hold: float) -> Spread:
        """From when the audio of a result was there to the result, seconds, after `ramp` seconds and for `hold`."""
        waits: list[float] = []
        while self._now < ramp + hold:
            self._speak()
            self._now += tick(self._exchange)
            found = self._read()
            waits += found if self._now > ramp else []
            if self._exchange.idle:
                self._now = max(self._now, self._sent * PACKET / SAMPLE_RATE)
        self._end()
        return Spread.of(waits)

    def _speak(self) -> None:
        while self._sent * PACKET / SAMPLE_RATE <= self._now:
            for call, audio, phase in zip(self._calls, self._audio, self._phases, strict=True):
                at = (self._sent - phase) * PACKET
                if at >= 0:
                    call.hear(audio.take(range(at, at + PACKET), mode="wrap"))
            self._sent += 1

    def _read(self) -> list[float]:
        waits = []
        for number, call in enumerate(self._calls):
            call.read()
            if call.audio_time > self._known[number]:
                packet = math.ceil(call.audio_time * SAMPLE_RATE / PACKET - 1e-6) - 1 + self._phases[number]
                waits.append(self._now - packet * PACKET / SAMPLE_RATE)
            self._known[number] = call.audio_time
        return waits

    def _end(self) -> None:
        for call in self._calls:
            call.end()
        while not all(call.over for call in self._calls):
            self._exchange.tick()
            self._read()


def holds(engine: Engine, spoken: list[PausedTalk], streams: int, refine: Refine, seconds: float) -> bool:
    """Whether so many live streams have their results within a chunk, in one of two attempts: others use the cores."""
    for _ in range(2):
        waits = LiveLoad(engine, spoken, streams, refine).run(ramp=2.5, hold=seconds)
        print(f"    {streams} streams, refine {refine}: p50 {waits.p50:.3f} s, p99 {waits.p99:.3f} s", flush=True)
        if waits.p99 < LATENCY_MS / 1000:
            return True
    return False


def most(engine: Engine, spoken: list[PausedTalk], refine: Refine, seconds: float) -> int:
    """The most streams that are served in time, to one in sixteen."""
    good, bad = 0, 16
    while holds(engine, spoken, bad, refine, seconds):
        good, bad = bad, 2 * bad
    while bad - good > max(1, good // 16):
        middle = (good + bad) // 2
        if holds(engine, spoken, middle, refine, seconds):
            good = middle
        else:
            bad = middle
    return good


# --- how long a finalize takes ---------------------------------------------------------------------------------------


async def finalize_seconds(url: str, talk: PausedTalk, refine: Refine) -> list[float]:
    """From a finalize, with 0.1 s of audio before it that nobody has waited for, to its final; one stream alone."""
    found, step = [], SAMPLE_RATE // 2
    async with auricle.connect(url, start=Start(latency_ms=LATENCY_MS, turn=OFF, refine=refine)) as stream:
        for at in range(0, len(talk.pcm) - step, step):
            await stream.send(talk.pcm[at : at + step * 4 // 5].astype("<i2").tobytes())
            await answered(stream, "drained")
            await stream.send(talk.pcm[at + step * 4 // 5 : at + step].astype("<i2").tobytes())
            began = time.perf_counter()
            await answered(stream, "timed")
            found.append(time.perf_counter() - began)
    return found


async def answered(stream: auricle.Stream, finalize_id: str) -> None:
    """Asks for a final, and waits for it."""
    await stream.finalize(finalize_id)
    async for event in stream:
        if isinstance(event, Final) and event.finalize_id is not None:
            return


async def delays(spoken: list[PausedTalk]) -> dict[str, Spread]:
    """With a second lane and without, in turns."""
    found: dict[str, list[float]] = {"off": [], "on": []}
    async with serve_locally(ServerConfig(max_load=0)) as url:
        for talk in spoken:
            found["off"] += await finalize_seconds(url, talk, "off")
            found["on"] += await finalize_seconds(url, talk, "on")
    return {refine: Spread.of([1000 * each for each in seconds]) for refine, seconds in found.items()}


def main() -> int:
    """Prints the figures and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--talks", type=int, default=60, help="with six sentences each")
    parser.add_argument("--seconds", type=float, default=9.0, help="of live audio in each attempt at most streams")
    parser.add_argument("--out", type=Path, help="folder of the record")
    options = parser.parse_args()
    spoken = talks(options.talks, FIRST_SEED, os.cpu_count() or 1)
    engine = Engine(load_checkpoint("demo"), slots=192, device="cpu", threads=1)
    engine.warm_up()
    figures: dict[str, object] = {}
    for name, tally in compare(engine, spoken).items():
        figures[name] = tally.figures()
        print(name, figures[name], flush=True)
    for refine in REFINES[:2]:
        figures[f"streams {refine}"] = found = most(engine, spoken, refine, options.seconds)
        print("streams in time, refine", refine, found, flush=True)
    for name, spread in asyncio.run(delays(spoken[:8])).items():
        figures[f"finalize_ms {name}"] = asdict(spread)
        print("finalize ms, refine", name, spread, flush=True)
    print(write(record("refine", vars(options) | {"model": "demo", "out": None}, figures), options.out, "refine-demo"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
