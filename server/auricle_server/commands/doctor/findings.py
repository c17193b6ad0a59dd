"""What a check of `auricle doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class CheckStatus(Enum):
    """Whether something works, works in part, or prevents a server from running."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: What was checked.
        verdict: The result.
        detail: What was found, or what is missing.
        remedy: What to do; empty when there is nothing to do.
    """

    subject: str
    verdict: CheckStatus
    detail: str
    remedy: str = ""
