"""Which files go to a worker together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auricle_server.archives.inputs.sources import ArchiveFile

MOST_FILES = 32
MOST_BYTES = 32 << 20
"""17 minutes of plain 16 kHz samples, or an hour of MP3: what a killed worker does again at most, for two batches."""
_SHARES = 8
"""Batches that each worker gets of a small archive, so that none waits long for the last one."""


def pack(files: Sequence[ArchiveFile], workers: int) -> Iterator[list[ArchiveFile]]:
    """Batches of files of like size: a long one by itself, short ones by the dozen; the longest first.

    A worker that begins a long recording last would keep all others waiting at the end, and files of like size are
    done at about the same time.

    Args:
        files: In any order; a file of unknown size counts as the mean of the others.
        workers: How many there are.
    """
    known = [file.size for file in files if file.size is not None]
    mean = sum(known) // len(known) if known else 1

    def size(file: ArchiveFile) -> int:
        return mean if file.size is None else file.size

    most_bytes = min(MOST_BYTES, max(1, sum(map(size, files)) // (workers * _SHARES)))
    most_files = min(MOST_FILES, max(1, len(files) // (workers * _SHARES)))
    batch: list[ArchiveFile] = []
    room = 0
    for file in sorted(files, key=size, reverse=True):
        if batch and (len(batch) >= most_files or size(file) > room):
            yield batch
            batch, room = [], most_bytes
        room = (room if batch else most_bytes) - size(file)
        batch.append(file)
    if batch:
        yield batch
