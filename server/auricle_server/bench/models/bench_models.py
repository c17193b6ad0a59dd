"""The model of a bench, a checkpoint or an architecture of full size with random weights, and how it is computed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from auricle_server.bench.models.blank_bias import calibrate, known_rate, token_rate
from auricle_server.bench.models.random_weights import Progress, parameters, random_checkpoint
from auricle_server.bench.models.replicas import write_nemo
from auricle_server.bench.models.shapes import SHAPES
from auricle_server.bench.models.transformers_writer import write_folder
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint, locate
from auricle_server.engine.build import Hardware
from auricle_server.engine.weight_formats import parse_dtype

Log = Callable[[str], None]

PROGRESS_SECONDS = 5.0
"""Between two lines about something that takes long."""
_LAYER_STATES = 2
"""Cached tensors of a layer: keys and values."""
_SLOTS_SHARE = 0.6
"""Share of the free memory that slots may take."""
_CPU_BYTES = 3 << 30
"""Memory for slots on a CPU."""


@dataclass(frozen=True, slots=True)
class BenchModel:
    """A model to measure.

    Attributes:
        name: Name in the results.
        checkpoint: The model.
        path: The archive that the model was loaded from; None with random weights.
        tokens_per_second: Tokens per second of speech.
        millions: Millions of parameters.
    """

    name: str
    checkpoint: Checkpoint
    path: Path | None
    tokens_per_second: float
    millions: float

    @contextmanager
    def archive(self) -> Iterator[Path]:
        """The model as a ``.nemo`` file, for engines that need one."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            yield write_nemo(self.checkpoint, Path(folder) / "model.nemo")

    @contextmanager
    def stored(self, log: Log = lambda _: None) -> Iterator[tuple[str, BenchModel]]:
        """What other processes load the model by, and this model as it is loaded from there.

        Random weights are written to a temporary folder. They take memory only once then: the model that is yielded is
        mapped from the file, and remains so after it is deleted.

        Raises:
            ValueError: The disk has no room for random weights.
        """
        if self.path is not None:
            yield self.name, self
            return
        with tempfile.TemporaryDirectory(prefix="auricle-bench-") as folder:
            gigabytes, free = 4 * self.millions / 1e3, shutil.disk_usage(folder).free / 1e9
            if gigabytes > free:
                raise ValueError(
                    f"the weights take {gigabytes:.1f} GB, and {tempfile.gettempdir()} has {free:.1f} GB free; "
                    "set TMPDIR to a folder with room, or pass --no-one-stream"
                )
            log(f"writing the weights to {folder} for now, {gigabytes:.1f} GB")
            write_folder(self.checkpoint, Path(folder))
            yield folder, replace(self, checkpoint=replace(load_checkpoint(folder), name=self.name))


def bench_model(
    name: str, random: str | None, *, device: str, threads: int | None, log: Log = lambda _: None
) -> BenchModel:
    """Loads the checkpoint `name`, or draws random weights for the architecture `random`.

    Args:
        name: See `load_checkpoint`.
        random: Key of `SHAPES`; None loads the checkpoint.
        device: Where the model will run.
        threads: CPU threads, for the whole process; None leaves them as they are.
        log: Receives a line about each phase.

    Raises:
        ValueError: `random` is not an architecture of `SHAPES`.
        CheckpointError: See `load_checkpoint`.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    if random is None:
        checkpoint = load_checkpoint(name)
        rate = token_rate(checkpoint, device=device, log=log)
        return BenchModel(name, checkpoint, locate(name), rate, parameters(checkpoint) / 1e6)
    if random not in SHAPES:
        raise ValueError(f"no architecture {random!r}; choose one of {', '.join(SHAPES)}")
    on = "cuda" if torch.device(device).type == "cuda" else "cpu"
    log(f"drawing random weights for {random}")
    drawn = random_checkpoint(random, device=on, progress=_layers_drawn(log))
    known = known_rate(drawn) if on == "cpu" else None
    checkpoint, rate = known or calibrate(drawn, device=device, log=log)
    return BenchModel(checkpoint.name, checkpoint, None, rate, parameters(checkpoint) / 1e6)


def _layers_drawn(log: Log, clock: Callable[[], float] = time.monotonic) -> Progress:
    """Logs the layers that are drawn, at most one line in `PROGRESS_SECONDS`."""
    due = clock() + PROGRESS_SECONDS

    def progress(done: int, layers: int) -> None:
        nonlocal due
        if clock() >= due:
            log(f"{done} of {layers} layers drawn")
            due = clock() + PROGRESS_SECONDS

    return progress


def bench_hardware(device: str, dtype: str) -> Hardware:
    """The hardware that `--device` and `--dtype` name, resolved.

    Raises:
        ValueError: `dtype` is none of `auricle_server.dtypes.DTYPES`.
    """
    precision = parse_dtype(dtype)
    return Hardware(device, precision.dtype, weights=precision.weights).resolved()


def slots_that_fit(config: ModelConfig, device: torch.device, dtype: torch.dtype) -> int:
    """Estimates how many streams fit into the memory, by their cached keys and values; all other state is small."""
    encoder = config.encoder
    ring = max(left for left, _ in encoder.contexts) * encoder.d_model * _LAYER_STATES * encoder.layers
    memory = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else _CPU_BYTES
    return max(1, int(_SLOTS_SHARE * memory / (ring * dtype.itemsize)))
