"""The figures as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COST = {
    "without": "none has terms",
    "one_row": "one has the names",
    "all_rows": "all have the names",
    "all_rows_many": "all have names and distractors",
}


def table(results: Mapping[str, Any]) -> str:
    """Markdown."""
    lines = [
        "| Chunk | Key terms | Names heard | WER, sentences with names | WER, ordinary sentences | Terms inserted |",
        "|---|---|---|---|---|---|",
    ]
    for chunk, lists in results.items():
        if chunk.endswith(" ms"):
            lines += [_row(chunk, name, results["terms"][name], each) for name, each in lists.items()]
    lines += ["", "| Of 48 streams | CPU time, 80 ms chunks | 560 ms chunks |", "|---|---|---|"]
    costs = results["cpu_seconds"]
    for name, words in _COST.items():
        lines.append(f"| {words} | {_share(costs['80'], name)} | {_share(costs['560'], name)} |")
    lines += ["", "| Phrases | Time to learn | Arcs |", "|---|---|---|"]
    for count, each in results["learning"].items():
        lines.append(f"| {count} | {each['ms']:.1f} ms | {each['arcs']:,} |")
    return "\n".join(lines)


def _row(chunk: str, name: str, terms: int, each: Mapping[str, float]) -> str:
    listed = f"{name} ({terms})" if terms else name
    heard = f"{each['heard']} of {each['sentences']} ({100 * each['recall']:.1f} %)"
    wers = f"{each['wer_named']:.2f} % | {each['wer_ordinary']:.2f} %"
    return f"| {chunk} | {listed} | {heard} | {wers} | {each['inserted']} |"


def _share(costs: Mapping[str, float], name: str) -> str:
    return f"{costs[name]:.2f} s ({100 * (costs[name] / costs['without'] - 1):+.0f} %)"
