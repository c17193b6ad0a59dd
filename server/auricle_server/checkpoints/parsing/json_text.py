"""Parses JSON, whose errors are of one kind. Loads no tensor library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auricle_server.checkpoints.errors import BadCheckpoint

MOST_BYTES = 32 << 20
"""Bytes of a file: 13,087 pieces take 1 MB of ``tokenizer.json``, and 250,000 take 17 MB."""


def parse_json(text: bytes) -> Any:
    """What the text says.

    Raises:
        ValueError: It is no JSON, or nested too deeply for one.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("lists and objects are nested too deeply") from error


def read_bounded(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file that belongs to a checkpoint.

    Raises:
        BadCheckpoint: It is larger than `most` bytes, which none of its kind is.
        FileNotFoundError: There is none.
    """
    with path.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise BadCheckpoint(f"{path} has more than {most} bytes, more than any file of its kind")
    return content
