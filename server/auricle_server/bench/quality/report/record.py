"""The report of an evaluation as a record: figures, and no word and no name of a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from auricle_server.bench.quality.clip_scores import ClipScore, EvaluatedClip
from auricle_server.bench.quality.comparison import compare
from auricle_server.bench.quality.setting_run import EvaluationRow
from auricle_server.bench.report.results import record
from auricle_server.checkpoints.hub.cache import cached_commit, parse

KIND = "evaluate"
VERSION = 1
"""Version of the figures, within the format of all records."""


def evaluation_record(
    rows: Sequence[EvaluationRow], clips: Sequence[EvaluatedClip], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The record of an evaluation.

    It can be shown to others: recordings stand in it by their number, with counts and without texts and names, and
    servers without their addresses.

    Args:
        rows: All systems at all settings.
        clips: All recordings.
        options: Settings of the run, as the record keeps them.
    """
    figures = {
        "version": VERSION,
        "clips": len(clips),
        "seconds": sum(clip.seconds for clip in clips),
        "speech_known_by": _counts([clip.source.value for clip in clips]),
        "rows": [_row(row) for row in rows],
        "comparisons": [asdict(each) for each in compare(rows)],
    }
    return record(KIND, options, figures)


def model_of_record(model: str | None) -> dict[str, Any]:
    """The name of a model without folders of this machine, and its revision where it is known.

    Args:
        model: As given to the command; None for the model of a server elsewhere.
    """
    if model is None:
        return {"model": None, "revision": None}
    if Path(model).expanduser().exists():
        return {"model": without_folders(model), "revision": None}
    # A bundled model's name is no repository's: it has no slash.
    repository = parse(model)
    return {"model": model, "revision": None if repository is None else cached_commit(repository)}


def without_folders(model: str) -> str:
    """The name of a model; of a path its last part, as the folders are nobody else's business."""
    return Path(model).name if Path(model).is_absolute() or Path(model).expanduser().exists() else model


def _row(row: EvaluationRow) -> dict[str, Any]:
    return {
        "system": row.system.name,
        "dialect": row.system.dialect,
        "model": without_folders(row.model),
        "cures": row.system.cures,
        "mode": row.mode.value,
        "latency_ms": row.latency_ms,
        "failed": len(row.failures),
        "unoffered": row.unoffered,
        "figures": asdict(row.figures),
        "recordings": [_numbers(number, score) for number, score in row.scores.items()],
    }


def _numbers(number: int, score: ClipScore) -> dict[str, Any]:
    return {
        "number": number + 1,
        "language": score.language,
        "words": len(score.reference),
        "errors": score.errors,
        "deletions": score.deletions,
        "insertions": score.insertions,
        "lost_at_start": score.lost_at_start,
        "lost_at_end": score.lost_at_end,
        "in_silence": score.words_in_silence,
        "turn_ends": len(score.found.turn_ends),
    }


def _counts(values: Sequence[str]) -> dict[str, int]:
    return {value: values.count(value) for value in sorted(set(values))}
