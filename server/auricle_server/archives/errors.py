"""What ends `auricle archive` before all files are done."""

from __future__ import annotations


class ArchiveError(Exception):
    """The archive cannot be worked on; the message says what is wrong and what to do."""


class UnusableModel(ArchiveError):
    """No worker can load the model."""
