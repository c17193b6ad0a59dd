"""Other engines beside ours: in rounds, with the same weights, the same audio, the same threads and in the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from auricle_server.bench.baselines import nemo, sherpa_onnx
from auricle_server.bench.engine.rounds import (
    Capacity,
    EngineSide,
    MakeSide,
    Side,
    capacity,
    chunks_per_second,
    ratio,
    time_in_turns,
)
from auricle_server.bench.models.bench_models import BenchModel
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine

BASELINES: Mapping[str, tuple[int, ...]] = {
    "nemo": (64, 32, 16, 128, 256),
    "sherpa-onnx": (16, 4, 1, 64),
    "sherpa-onnx-int8": (16, 4, 1, 64),
}
"""What `--baseline` takes, and the batch sizes that each may choose from, the one to begin with first; 64 is the value
of NeMo's ``cache_aware_rnnt.yaml``."""
OURS = "ours"
WHOLE = 1 << 20
"""A batch size that no number of streams exceeds: our engine forms its batches itself."""


class BaselineModel(Protocol):
    """A model in another engine."""

    def side(self, context: tuple[int, int], streams: int, batch: int) -> Side:
        """That engine over `streams` live streams, `batch` of them in a call, with attention context (left, right)."""
        ...


def check(names: tuple[str, ...]) -> None:
    """Raises where a baseline cannot be measured.

    Raises:
        ValueError: It is none of `BASELINES`.
        MissingPackage: What it needs is not installed.
    """
    if unknown := [name for name in names if name not in BASELINES]:
        raise ValueError(f"unknown baseline {', '.join(unknown)}; choose from {', '.join(BASELINES)}")
    if "nemo" in names:
        nemo.available()
    if set(names) - {"nemo"}:
        sherpa_onnx.available()


@contextmanager
def baselines(
    names: tuple[str, ...], model: BenchModel, hardware: Hardware, threads: int
) -> Iterator[dict[str, BaselineModel]]:
    """The model in other engines, by name, for as long as the context lasts.

    Args:
        names: As in `BASELINES`.
        model: The model.
        hardware: Ours. NeMo computes on the same device in float32 or bfloat16; sherpa-onnx computes on the CPU.
        threads: CPU threads of sherpa-onnx; NeMo has those of torch.
    """
    if not names:
        yield {}
        return
    with model.archive() as archive:
        yield {name: _baseline(name, archive, model, hardware, threads) for name in names}


def _baseline(name: str, archive: Path, model: BenchModel, hardware: Hardware, threads: int) -> BaselineModel:
    if name == "nemo":
        dtype = str(hardware.dtype).removeprefix("torch.")
        return nemo.NemoModel(archive, device=torch.device(hardware.device).type, dtype=dtype)
    bins = model.checkpoint.config.mel.bins
    return sherpa_onnx.SherpaModel(archive, bins=bins, threads=threads, int8=name.endswith("int8"))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Measures our engine and other ones at one chunk latency.

    Attributes:
        engine: Ours.
        latency_ms: Chunk latency.
        context: Its attention context (left, right).
        others: The others, by name.
        start: First number of streams that is tried.
        most: Upper end of the search.
        rounds: Measured rounds for each number of streams.
        stopwatch: Key of `STOPWATCHES`.
        log: Takes a line of text for each result.
    """

    engine: Engine
    latency_ms: int
    context: tuple[int, int]
    others: Mapping[str, BaselineModel]
    start: int
    most: int
    rounds: int
    stopwatch: str
    log: Callable[[str], None]

    def measure(self) -> dict[str, Any]:
        """A record for each engine by name, ours as `OURS`: its `Capacity`, and what follows from it.

        ``chunks_per_second`` is the most of all that was tried. ``seconds_per_second`` is the time that a second of
        audio of one stream takes (median, seconds), all engines in turn, round by round. ``ratio`` is the number of our
        streams divided by that of the other engine's; see `ratio`.
        """
        makers = {OURS: self._ours, **{name: self._other(model) for name, model in self.others.items()}}
        alone = self._one_stream(makers)
        found = {name: self._capacity(make, BASELINES.get(name, (WHOLE,))) for name, make in makers.items()}
        records = {
            name: {**asdict(each), "seconds_per_second": alone[name], "chunks_per_second": chunks_per_second(each)}
            for name, each in found.items()
        }
        for name in self.others:
            records[name]["ratio"] = ratio(found[OURS], found[name])
            self._log_ratio(found[OURS], found[name], records[name]["ratio"])
        return records

    def _ours(self, streams: int, batch: int) -> Side:
        del batch
        return EngineSide(self.engine, streams, self.latency_ms)

    def _other(self, model: BaselineModel) -> MakeSide:
        return lambda streams, batch: model.side(self.context, streams, batch)

    def _one_stream(self, makers: Mapping[str, MakeSide]) -> dict[str, float]:
        sides = {name: make(1, 1) for name, make in makers.items()}
        spreads = time_in_turns(list(sides.values()), 1, self.latency_ms, self.rounds, self.stopwatch)
        costs = {name: spread.p50 * 1000 / self.latency_ms for name, spread in zip(sides, spreads, strict=True)}
        said = ", ".join(f"{side.name} {costs[name]:.3f} s" for name, side in sides.items())
        self.log(f"{self.latency_ms} ms, one stream, a second of audio takes: {said}")
        return costs

    def _capacity(self, make: MakeSide, batches: tuple[int, ...]) -> Capacity:
        found = capacity(
            make,
            self.latency_ms,
            start=self.start,
            most=self.most,
            batches=batches,
            rounds=self.rounds,
            stopwatch=self.stopwatch,
        )
        self.log(
            f"{self.latency_ms} ms, in rounds: {found.name} {found.streams} streams in batches of {found.batch}; "
            f"a round takes p50 {found.round.p50 * 1e3:.1f} p99 {found.round.p99 * 1e3:.1f} ms"
        )
        return found

    def _log_ratio(self, ours: Capacity, theirs: Capacity, times: float) -> None:
        what = "the streams" if theirs.streams else "the chunks per second"
        held = f"{ours.name} {ours.streams}, {theirs.name} {theirs.streams} streams"
        self.log(f"{self.latency_ms} ms, in rounds: {held}: {times:.2f} times {what}")
