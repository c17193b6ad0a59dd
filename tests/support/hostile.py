"""Checkpoints that are damaged or made to do harm, and how soon they must be refused."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from auricle_server.checkpoints import CheckpointError, load_checkpoint
from auricle_server.engine import Engine

CONFIG, WEIGHTS = "model_config.yaml", "model_weights.ckpt"
PROCESSOR_SECONDS = 2.0
"""Most time of the processor that a refusal may take, that of its own thread alone; half of it on a machine that does
nothing else."""
ABSURD: tuple[Any, ...] = (-5, math.inf, -math.inf, math.nan, 1e9, 10**30, 2.5, True, "abc", "1e9", [3], {"a": 1})
"""What no number of a model is."""


@contextmanager
def refused(said: str, seconds: float = PROCESSOR_SECONDS) -> Iterator[None]:
    """Expects a `CheckpointError` soon, whose message has `said` and is short enough for a line of a log."""
    began = time.thread_time()
    with pytest.raises(CheckpointError, match=said) as error:
        yield
    assert time.thread_time() - began < seconds
    assert len(str(error.value)) < 1000


def edit_config(folder: Path, path: str, value: object) -> None:
    """Changes one value of an unpacked checkpoint's configuration; `path` is ``encoder.n_layers``, for example."""
    tree = yaml.safe_load((folder / CONFIG).read_text())
    *sections, key = path.split(".")
    inner = tree
    for section in sections:
        inner = inner.setdefault(section, {})
    inner[key] = value
    (folder / CONFIG).write_text(yaml.safe_dump(tree))


def build(path: Path) -> Engine:
    """An engine of one slot of the checkpoint at `path`."""
    return Engine(load_checkpoint(str(path)), slots=1, device="cpu")
