"""Two settings side by side: over the recordings that both have, which has fewer word errors. Does no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auricle_server.bench.quality.bootstrap import Estimate
from auricle_server.bench.quality.quality_figures import word_error_difference
from auricle_server.bench.quality.setting_run import EvaluationRow


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The word errors of two rows over the same recordings.

    Attributes:
        first: Index of the row that is compared with.
        second: Index of the other row.
        recordings: Number of recordings that both have.
        difference: Word error rate of the second minus that of the first, in percentage points.
    """

    first: int
    second: int
    recordings: int
    difference: Estimate

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.difference.low > 0 or self.difference.high < 0


def compare(rows: Sequence[EvaluationRow]) -> list[PairedDifference]:
    """Every other system, or other choice of cures, against the first at the same mode and latency.

    A system without latencies is compared with the first system at each latency.
    """
    if not rows:
        return []
    first_system = rows[0].system
    found = []
    for second, row in enumerate(rows):
        for first, base in enumerate(rows):
            same = base.mode == row.mode and row.latency_ms in (None, base.latency_ms)
            if base.system is first_system and row.system is not first_system and same:
                found += _paired(rows, first, second)
    return found


def _paired(rows: Sequence[EvaluationRow], first: int, second: int) -> list[PairedDifference]:
    one, other = rows[first].scores, rows[second].scores
    common = sorted(one.keys() & other.keys())
    difference = word_error_difference([one[key] for key in common], [other[key] for key in common])
    return [] if difference is None else [PairedDifference(first, second, len(common), difference)]
