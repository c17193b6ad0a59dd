"""A run's report: JSON for programs, Markdown for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auricle_server.bench.report.results import record, serialised
from tests.torture.result import TrialResult
from tests.torture.run import Report
from tests.torture.usage import ROLES

RESULTS = Path("tests/torture/results")
_MIB = 1 << 20


def record_of(report: Report) -> dict[str, Any]:
    """The record of a run, with the machine, the versions and the commit."""
    figures = {
        "holds": report.holds,
        "seconds": report.seconds,
        "totals": _totals(report.trials),
        "usage": report.usage.figures(),
        "trials": [{**vars(trial), "counts": dict(trial.counts)} for trial in report.trials],
    }
    return record("torture", {"minutes": report.plan.minutes, "seed": report.plan.seed}, figures)


def _totals(trials: list[TrialResult]) -> dict[str, int]:
    return {
        "calls": sum(trial.counts["calls"] for trial in trials),
        "words": sum(trial.counts["words"] for trial in trials),
        "words_lost": sum(trial.lost for trial in trials),
        "words_added": sum(trial.added for trial in trials),
        "calls_ended_by_us": sum(trial.ended for trial in trials),
        "streams_harmed_by_others": sum(trial.failures for trial in trials if trial.name == "live calls"),
        "failed_checks": sum(trial.failures for trial in trials),
    }


def write(result: Mapping[str, Any], out: Path | None) -> Path:
    """Writes ``torture.json`` and ``torture.md`` into a folder; returns the path of the latter."""
    folder = out or RESULTS / result["machine"]["name"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "torture.json").write_text(serialised(result))
    path = folder / "torture.md"
    path.write_text(markdown(result))
    return path


def markdown(result: Mapping[str, Any]) -> str:
    """The report as a page."""
    figures = result["figures"]
    verdict = "Everything held." if figures["holds"] else "Not everything held: see the problems below."
    lines = [
        "# Torture report",
        "",
        _headline(result, verdict),
        "",
        *_table(("", "Count"), [(name.replace("_", " "), f"{count:,}") for name, count in figures["totals"].items()]),
        "",
        "## The server that is attacked",
        "",
        *_usage(figures["usage"]),
        "",
        "## Trials",
        "",
        *_table(
            ("Trial", "What was done", "Words lost", "Words added", "Calls ended", "Failed checks", "Seconds"),
            [_row(trial) for trial in figures["trials"]],
        ),
        "",
        "## Counts",
        "",
        *[f"- {trial['name']}: {_counts(trial['counts'])}" for trial in figures["trials"] if trial["counts"]],
    ]
    failed = [trial for trial in figures["trials"] if trial["problems"]]
    if failed:
        lines += ["", "## Problems", ""]
        lines += [f"- {trial['name']}: `{problem}`" for trial in failed for problem in trial["problems"]]
    return "\n".join(lines) + "\n"


def _headline(result: Mapping[str, Any], verdict: str) -> str:
    machine, options = result["machine"], result["options"]
    where = f"{machine['cpu']}, {machine['cores']} cores; commit {result['commit']}, {result['date'][:10]}"
    return f"{options['minutes']:g} minutes of live calls on {where}, seed {options['seed']}. {verdict}"


def _usage(usage: Mapping[str, Any]) -> list[str]:
    rows = []
    for name in ("start", "middle", "end", "whole"):
        part = usage[name]
        memory = " / ".join(f"{part['memory'][role] / _MIB:.0f} MiB" for role in ROLES)
        descriptors = " / ".join(str(part["descriptors"][role]) for role in ROLES)
        waits = part["finalize_to_final"]
        rows.append(
            (name, memory, descriptors, _milliseconds(waits), str(waits["count"]), _milliseconds(part["callers_late"]))
        )
    titles = (
        "Part of the run",
        "Memory, gateway / worker",
        "Descriptors",
        "Final after finalize p50 / p95 / p99 / max",
        "Finalizes",
        "Callers' own process late",
    )
    return _table(titles, rows)


def _milliseconds(quantiles: Mapping[str, float]) -> str:
    found = [f"{1000 * quantiles[each]:.0f}" for each in ("p50", "p95", "p99", "max") if each in quantiles]
    return f"{' / '.join(found)} ms" if found else "-"


def _row(trial: Mapping[str, Any]) -> tuple[str, ...]:
    done = trial["asked"] if not trial["skipped"] else f"skipped: {trial['skipped']}"
    figures = (trial["lost"], trial["added"], trial["ended"], trial["failures"], round(trial["seconds"]))
    return (trial["name"], done, *map(str, figures))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
