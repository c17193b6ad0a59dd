"""A model's word calibration, kept in a file beside its checkpoint.

``model.nemo`` has it in ``model.words.json``, a folder in ``words.json``::

    {"delays_ms": [[80, 165.0, 95.0]], "confidence": [8.0, -3.0]}
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from auricle_server.calibration import WordCalibration
from auricle_server.checkpoints.errors import BadCheckpoint

NAME = "words.json"


def calibration_path(checkpoint: Path) -> Path:
    """Where the calibration of a checkpoint is, if it has one."""
    return checkpoint / NAME if checkpoint.is_dir() else checkpoint.with_name(f"{checkpoint.stem}.{NAME}")


def read_calibration(checkpoint: Path) -> WordCalibration | None:
    """The calibration beside a checkpoint; None without one.

    Raises:
        BadCheckpoint: There is a file, and it is none.
    """
    path = calibration_path(checkpoint)
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=WordCalibration)
    except msgspec.MsgspecError as error:
        raise BadCheckpoint(f"{path} is no word calibration: {error}") from error


def write_calibration(checkpoint: Path, calibration: WordCalibration) -> Path:
    """Puts a calibration beside a checkpoint and returns the file."""
    path = calibration_path(checkpoint)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(calibration), indent=0) + b"\n")
    return path
