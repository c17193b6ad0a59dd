"""How fast files are decoded, in how much memory, and what live streams notice of it.

    python -m tests.bench.bench_offline

The engine by itself, on one thread: hours of audio in an hour of its CPU time, as the stream of a live speaker would be
decoded that comes as fast as it can, and as a file; one and several at once. Then three hours of one file, and the
wait of live streams, alone and beside files.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

import auricle_server.demo
from auricle_server.bench.report.results import record, write
from auricle_server.bench.report.summaries import Spread
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine, Lease

SAMPLE_RATE = 16_000
PACKET = SAMPLE_RATE // 50
PIECE = 20 * SAMPLE_RATE
LIVE_MS = 160
CLIPS = Path(auricle_server.demo.__file__).parent / "audio"
Pcm = npt.NDArray[np.int16]


def speech(seconds: int) -> Pcm:
    """The demo's clips, again and again."""
    clips = np.concatenate([soundfile.read(path, dtype="int16")[0] for path in sorted(CLIPS.glob("*.wav"))])
    return np.resize(clips, seconds * SAMPLE_RATE)


def decode(engine: Engine, audio: Pcm, files: int, *, offline: bool) -> float:
    """Decodes so many files at once, each handed over as the engine gets through it; CPU seconds."""
    leases = [engine.open(max(engine.info.latencies_ms), engine.info.default_language) for _ in range(files)]
    for lease in leases if offline else ():
        engine.set_background(lease)
    began = time.process_time()
    for at in range(0, len(audio), PIECE):
        for lease in leases:
            engine.push(lease, audio[at : at + PIECE])
        drain(engine)
    for lease in leases:
        engine.flush(lease, 0, last=True)
    drain(engine)
    return time.process_time() - began


def drain(engine: Engine) -> None:
    """Computes all that is there."""
    while engine.ready:
        engine.step()


def speeds(engine: Engine, seconds: int) -> dict[str, float]:
    """Hours of audio in an hour of CPU time; the two ways take turns, so that what else runs meets them alike."""
    audio, found = speech(seconds), dict[str, list[float]]()
    for _ in range(3):
        for files in (1, 4, 8):
            for offline in (False, True):
                name = f"{files} {'offline' if offline else 'live'}"
                found.setdefault(name, []).append(files * seconds / decode(engine, audio, files, offline=offline))
    return {name: sorted(each)[1] for name, each in found.items()}


class Live:
    """Streams in real time on a clock that only the engine's work moves, like a server of their own would."""

    def __init__(self, engine: Engine, streams: int, files: int, audio: Pcm) -> None:
        self._engine, self._audio = engine, audio
        self._leases = [engine.open(LIVE_MS, engine.info.default_language) for _ in range(streams)]
        self._phases = [number * 8 // streams for number in range(streams)]
        self._files = [self._file() for _ in range(files)]
        self._now, self._sent = 0.0, 0

    def _file(self) -> Lease:
        lease = self._engine.open(max(self._engine.info.latencies_ms), self._engine.info.default_language)
        self._engine.set_background(lease)
        return lease

    def run(self, seconds: float) -> Spread:
        """From when the audio of a chunk was there to its result."""
        waits: list[float] = []
        while self._now < seconds:
            self._speak()
            for file in self._files:
                if self._engine.buffered_seconds(file) < 10:
                    self._engine.push(file, self._audio[:PIECE])
            began = time.process_time()
            rows = self._engine.step().rows() if self._engine.ready else []
            self._now += time.process_time() - began
            waits += [self._wait(row.lease, row.samples) for row in rows if row.lease not in self._files]
            if not self._engine.ready:
                self._now = max(self._now, self._sent * PACKET / SAMPLE_RATE)
        for lease in (*self._leases, *self._files):
            self._engine.close(lease)
        return Spread.of([1000 * wait for wait in waits])

    def _speak(self) -> None:
        while self._sent * PACKET / SAMPLE_RATE <= self._now:
            for lease, phase in zip(self._leases, self._phases, strict=True):
                at = (self._sent - phase) * PACKET
                if at >= 0:
                    self._engine.push(lease, self._audio[at : at + PACKET])
            self._sent += 1

    def _wait(self, lease: Lease, samples: int) -> float:
        packet = -(-samples // PACKET) - 1 + self._phases[self._leases.index(lease)]
        return self._now - packet * PACKET / SAMPLE_RATE


def main() -> int:
    """Prints the figures and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--seconds", type=int, default=120, help="of each file")
    parser.add_argument("--hours", type=float, default=3.0, help="of the long file")
    parser.add_argument("--streams", type=int, default=24, help="live ones")
    parser.add_argument("--out", type=Path, help="folder of the record")
    options = parser.parse_args()
    engine = Engine(load_checkpoint(options.model), slots=48, device="cpu", threads=1)
    engine.warm_up()
    figures: dict[str, object] = {"hours an hour": speeds(engine, options.seconds)}
    print(figures, flush=True)
    for files in (0, 2):
        spread = Live(engine, options.streams, files, speech(60)).run(20.0)
        figures[f"live wait ms, {files} files"] = {"p50": spread.p50, "p95": spread.p95, "p99": spread.p99}
        print(files, spread, flush=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hours, piece = options.hours, speech(300)
    lease = engine.open(max(engine.info.latencies_ms), engine.info.default_language)
    engine.set_background(lease)
    began = time.process_time()
    for _ in range(round(hours * 12)):
        for at in range(0, len(piece), PIECE):
            engine.push(lease, piece[at : at + PIECE])
            drain(engine)
    engine.flush(lease, 0, last=True)
    drain(engine)
    spent, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures["long file"] = {
        "hours": hours,
        "cpu_seconds": spent,
        "peak_mb": after / 1000,
        "grown_mb": (after - before) / 1000,
    }
    print(figures["long file"], flush=True)
    kept = {name: value for name, value in vars(options).items() if name != "out"}
    print(write(record("offline", kept, figures), options.out, f"offline-{Path(options.model).stem}"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
