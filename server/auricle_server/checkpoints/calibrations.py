"""Reads and writes a model's word calibration, in a file beside its checkpoint.

For ``model.nemo`` that is ``model.words.json``, in a folder ``words.json``::

    {"delays_ms": [[80, 165.0, 95.0]], "confidence": [8.0, -3.0]}
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auricle_server.checkpoints.errors import BadCheckpoint
from auricle_server.checkpoints.parsing.json_text import parse_json, read_bounded
from auricle_server.text.calibration import WordCalibration

NAME = "words.json"
_MOST_BYTES = 1 << 20


def calibration_path(checkpoint: Path) -> Path:
    """Path of a checkpoint's calibration, whether or not it exists."""
    return checkpoint / NAME if checkpoint.is_dir() else checkpoint.with_name(f"{checkpoint.stem}.{NAME}")


def read_calibration(checkpoint: Path) -> WordCalibration | None:
    """The calibration beside a checkpoint; None without one.

    Raises:
        BadCheckpoint: The file is not a word calibration.
    """
    path = calibration_path(checkpoint)
    if not path.exists():
        return None
    try:
        return _calibration(parse_json(read_bounded(path, _MOST_BYTES)))
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise BadCheckpoint(f"{path} is not a word calibration ({error}); delete it or measure anew") from error


def _calibration(stored: Any) -> WordCalibration:
    """From what `write_calibration` wrote. Plain JSON: benches load checkpoints without the server's libraries."""
    delays = tuple((int(latency), _finite(start), _finite(end)) for latency, start, end in stored["delays_ms"])
    if stored.get("confidence") is None:
        return WordCalibration(delays)
    slope, offset = map(_finite, stored["confidence"])
    return WordCalibration(delays, (slope, offset))


def _finite(value: Any) -> float:
    """Raises `ValueError` for what would make every time or confidence NaN."""
    if not math.isfinite(found := float(value)):
        raise ValueError(f"{found} is not finite")
    return found


def write_calibration(checkpoint: Path, calibration: WordCalibration) -> Path:
    """Writes a calibration beside a checkpoint. Returns the file."""
    path = calibration_path(checkpoint)
    path.write_text(json.dumps(asdict(calibration)) + "\n")
    return path
