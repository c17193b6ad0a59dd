"""What `auricle bench engine` is to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auricle_server.dtypes import AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What to measure.

    Attributes:
        model: Checkpoint; see `load_checkpoint`.
        random_weights: An architecture of `SHAPES` with random weights, instead of the checkpoint.
        latencies_ms: Chunk latencies; empty means all latencies of the model.
        streams: Measure this number of streams; None searches the largest number.
        most: Upper end of the search; None means as many as fit into memory.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        dtype: Precision, one of `auricle_server.dtypes.DTYPES`.
        threads: CPU threads; None takes what a server would.
        hold: Seconds of audio that are measured for each number of streams.
        ramp: Seconds of audio before the measurement.
        stopwatch: ``"wall"`` time, or ``"cpu"`` time on a machine with other work.
        compare: Number of streams whose transcripts are compared with those of the same streams alone.
        baselines: Other engines to measure in the same run; see `beside.BASELINES`.
        rounds: Measured rounds of a comparison for each number of streams.
        budget: Seconds after which nothing further is tried; the latencies share them. None means no limit.
        profile: Whether to write a profile too.
        one_stream: Whether to measure one stream by itself first, in a process of its own; on a CPU only.
        against: Another checkout of Auricle whose engine is measured with one stream in turns with this one's.
        out: Folder of the results.
    """

    model: str = "demo"
    random_weights: str | None = None
    latencies_ms: tuple[int, ...] = ()
    streams: int | None = None
    most: int | None = None
    device: str = "auto"
    dtype: str = AUTO
    threads: int | None = None
    hold: float = 4.0
    ramp: float = 0.5
    stopwatch: str = "wall"
    compare: int = 16
    baselines: tuple[str, ...] = ()
    rounds: int = 12
    budget: float | None = None
    profile: bool = False
    one_stream: bool = True
    against: Path | None = None
    out: Path | None = None
