"""What `auricle archive` was asked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from auricle_server.archives.archive_format import ArchiveFormat
from auricle_server.archives.inputs.sources import ArchiveFile
from auricle_server.dtypes import AUTO


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker needs to know.

    Attributes:
        model: As `auricle transcribe` takes it.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        dtype: Precision.
        threads: CPU threads; None takes what suits the model.
    """

    model: str = "demo"
    device: str = "auto"
    dtype: str = AUTO
    threads: int | None = None

    def as_json(self) -> str:
        """For the way to a worker."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> WorkerSettings:
        """What `as_json` has written."""
        return WorkerSettings(**json.loads(text))


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """An archive and how to work on it.

    Attributes:
        inputs: Paths, patterns and addresses.
        out: Folder of the tables.
        kind: Format of the tables.
        worker: Settings of each worker.
        defaults: Language, channel and key terms of files for which no manifest says others; its source is empty.
        workers: How many; None takes one for each GPU, or what the CPU has threads for.
        address: Of a Ray cluster; None starts Ray on this machine.
        retry_failed: Whether files that failed in an earlier run are tried again.
        part_seconds: Longest time between two parts: a crash of the command loses no more work than this.
    """

    inputs: tuple[str, ...]
    out: str
    kind: ArchiveFormat
    worker: WorkerSettings
    defaults: ArchiveFile
    workers: int | None = None
    address: str | None = None
    retry_failed: bool = False
    part_seconds: float = 30.0

    @property
    def decides_words(self) -> dict[str, Any]:
        """The settings that change words. All rows of an archive have the same."""
        return {
            "model": Path(self.worker.model).name if Path(self.worker.model).is_absolute() else self.worker.model,
            "dtype": self.worker.dtype,
            "language": self.defaults.language,
            "keyterms": list(self.defaults.keyterms),
        }
