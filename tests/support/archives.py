"""Unpacking checkpoints in tests, on every Python that Auricle runs on."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

from auricle_server.checkpoints.nemo.members import opened, read_config


def unpack(archive: Path, folder: Path) -> Path:
    """Unpacks a ``.nemo`` file into the folder, which it returns.

    Python 3.11.2, which Debian 12 has, knows no extraction filters; later versions warn without one.
    """
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="data")
        else:
            tar.extractall(folder)
    return folder


def raw_config(archive: Path) -> dict[str, Any]:
    """The configuration tree of a ``.nemo`` file, to be changed at will."""
    with opened(archive) as members:
        return read_config(str(archive), members)
