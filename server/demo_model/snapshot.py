"""A training so far in one file, from which another machine goes on: weights in half precision, and the tokenizer.

Of the state it lacks the optimisers, which are there again after a few hundred steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from demo_model import tokenizer
from demo_model.train import STATE_FILE

FILES = tokenizer.MODEL_FILE, tokenizer.PIECES_FILE


def write(work: Path, out: Path) -> None:
    """Write the snapshot of a work folder: the averaged weights, and how many steps they have learned."""
    state = torch.load(work / STATE_FILE, map_location="cpu", weights_only=True)
    stored: dict[str, Any] = {
        "shape": state["shape"],
        "steps": state["steps"],
        "weights": {name: value.half() for name, value in state["average"].items()},
        "files": {name: (work / name).read_bytes() for name in FILES},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(stored, out)


def unpack(snapshot: Path, work: Path) -> None:
    """Make a work folder's tokenizer and state of a snapshot. The time of the training begins anew."""
    stored = torch.load(snapshot, map_location="cpu", weights_only=True)
    work.mkdir(parents=True, exist_ok=True)
    for name, content in stored["files"].items():
        (work / name).write_bytes(content)
    weights = {name: value.float() for name, value in stored["weights"].items()}
    state = {"shape": stored["shape"], "model": weights, "average": weights, "used": 0.0, "steps": stored["steps"]}
    torch.save(state, work / STATE_FILE)
