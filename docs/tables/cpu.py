"""What the committed results say of large models on a CPU: speed, memory and accuracy of the formats of weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from docs.tables import RESULTS, table

Result = dict[str, Any]
_NO_FIGURES = "No measured figures yet."
_FORMATS = "float32", "fp16-weights", "int8"


def speed_tables() -> str:
    """One stream by itself and the most live streams, by machine, model and format."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.rglob("engine-random-*.json"))]
    measured = [result for result in found if "one_stream" in result["figures"]]
    parts = []
    for name in sorted({result["machine"]["name"] for result in measured}):
        here = [result for result in measured if result["machine"]["name"] == name]
        parts += [_about(here), _one_stream(here), _starts(here)]
        parts += [_against(here)] if any("against" in result["figures"] for result in here) else []
    return "\n\n".join(parts) or _NO_FIGURES


def _about(results: Sequence[Result]) -> str:
    machine, start = results[0]["machine"], results[0]["figures"]["one_stream"]["start"]
    commits = sorted({result["commit"] for result in results})
    dates = sorted({result["date"][:10] for result in results})
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {start['isa'].upper()}, {start['threads']} threads; "
        f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}, commit {', '.join(commits)}:"
    )


def _one_stream(results: Sequence[Result]) -> str:
    """Time for a second of audio, and live streams, a row for each model and latency."""
    rows = []
    for model, latency_ms in sorted({_place(result) for result in results}):
        of = {_format(result): result["figures"] for result in results if _place(result) == (model, latency_ms)}
        times = [f"{of[kind]['one_stream']['real_time_factor']:.2f} s" if kind in of else "–" for kind in _FORMATS]
        streams = [f"{of[kind]['sustained_streams']}" if kind in of else "–" for kind in _FORMATS]
        rows.append([f"{model}", f"{latency_ms} ms", *times, *streams])
    head = [
        "Model",
        "Chunk",
        *(f"One stream, {kind}" for kind in _FORMATS),
        *(f"Live streams, {kind}" for kind in _FORMATS),
    ]
    return table(head, rows)


def _starts(results: Sequence[Result]) -> str:
    """Start and memory, a row for each model and format."""
    rows = []
    for model in sorted({result["figures"]["model"] for result in results}):
        for kind in _FORMATS:
            of = [each["figures"] for each in results if _format(each) == kind and each["figures"]["model"] == model]
            if of:
                start, weights = of[0]["one_stream"]["start"], of[0]["weight_bytes"]
                resident = max(each["one_stream"]["resident_bytes"] for each in of)
                rows.append(
                    [
                        model,
                        kind,
                        f"{start['start_seconds']:.1f} s",
                        f"{weights / 1e9:.2f} GB",
                        f"{resident / 1e9:.2f} GB",
                        f"{start['peak_bytes'] / 1e9:.2f} GB",
                    ]
                )
    return table(["Model", "Format", "Start to ready", "Packed weights", "Resident memory", "Peak of the start"], rows)


def _against(results: Sequence[Result]) -> str:
    """The same stream on the engine of an earlier commit, measured in turns."""
    rows = [
        [
            figures["model"],
            f"{figures['latency_ms']} ms",
            _format(result),
            f"{figures['one_stream']['real_time_factor']:.2f} s",
            f"{figures['against']['figures']['real_time_factor']:.2f} s ({figures['against']['commit']})",
            f"{figures['against']['ratio']:.1f}",
        ]
        for result in sorted(results, key=_place)
        if "against" in (figures := result["figures"])
    ]
    return table(["Model", "Chunk", "Format", "A second of audio takes", "An earlier commit in turns", "Ratio"], rows)


def _place(result: Result) -> tuple[str, int]:
    return result["figures"]["model"], result["figures"]["latency_ms"]


def _format(result: Result) -> str:
    """The format of the weights; earlier records have none, and float32."""
    return str(result["figures"].get("weights", "float32"))


def accuracy_tables(result: Result) -> str:
    """Tokens and words by format and latency, and how sensitive products and layers are to int8."""
    figures = result["figures"]
    rows = [
        [
            latency,
            kind,
            f"{row['changed']} of {row['tokens']:,} ({row['changed_percent']:.2f} %)",
            f"{row['wer_percent']:.2f} %",
            f"{row['wer_percent'] - each['float32']['wer_percent']:+.2f}",
            f"{figures['encoder_error'][kind]:.1e}",
        ]
        for latency, each in figures["latencies"].items()
        for kind, row in each.items()
        if kind != "float32"
    ]
    exact = ", ".join(
        f"{each['float32']['wer_percent']:.2f} % at {name}" for name, each in figures["latencies"].items()
    )
    words = next(iter(figures["latencies"].values()))["float32"]["words"]
    head = ["Chunk", "Format", "Tokens changed", "WER", "against float32, points", "Relative error of the encoder"]
    sensitive = figures["sensitivity"]
    second = [
        [name, f"{row['encoder_error']:.1e}", f"{row['changed']} of {row['tokens']:,}", f"{row['wer_percent']:.2f} %"]
        for name, row in sensitive["rows"].items()
    ]
    bits = (2 * figures["weight_levels"] + 1).bit_length()
    return "\n\n".join(
        (
            f"{words:,} words; float32: {exact}. The int8 of the processor that measured has weights of {bits} bits.",
            table(head, rows),
            f"int8 in one kind of product or in one layer only, at {sensitive['latency_ms']} ms:",
            table(["int8 only in", "Relative error of the encoder", "Tokens changed", "WER"], second),
        )
    )
