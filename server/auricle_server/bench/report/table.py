"""The tables of a page, generated from the committed results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from auricle_server.bench.report.results import load

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
_MEGA = 1e6

Result = Mapping[str, Any]


class NoMarkers(ValueError):
    """The page has no markers for the tables."""


def render(folder: Path) -> str:
    """All results below `folder` as Markdown: a paragraph and tables for each machine."""
    results = load(folder)
    machines = sorted({result["machine"]["name"] for result in results})
    if not machines:
        return "No measured figures yet."
    parts = (_machine([result for result in results if result["machine"]["name"] == name]) for name in machines)
    return "\n\n".join(parts)


def update(page: Path, folder: Path) -> bool:
    """Writes the tables between the markers of a page; returns whether the page changed.

    Raises:
        NoMarkers: The page has no markers.
    """
    before = page.read_text()
    after = inserted(before, render(folder))
    page.write_text(after)
    return before != after


def inserted(text: str, tables: str) -> str:
    """The text with the tables between its markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise NoMarkers(f"the page lacks the markers for the tables; add {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{tables}\n{END}{tail}"


def _machine(results: Sequence[Result]) -> str:
    parts = [_about(results)]
    engine = [result for result in results if result["kind"] == "engine"]
    parts += _section("Live streams on the engine by itself", _ENGINE_HEAD, map(_engine_row, _ordered(engine)))
    alone = [result for result in engine if "one_stream" in result["figures"]]
    parts += _section(
        "One stream on the engine by itself, in a process that holds nothing else",
        _ONE_STREAM_HEAD,
        map(_one_stream_row, _ordered(alone)),
    )
    against = [result for result in engine if "against" in result["figures"]]
    parts += _section(
        "The same beside the engine of an earlier commit, in turns", _AGAINST_HEAD, map(_against_row, _ordered(against))
    )
    compared = [
        (result, name)
        for result in _ordered(engine)
        for name in _BASELINE_NAMES
        if name in result["figures"].get("rounds", ())
    ]
    parts += _section(
        "Beside other engines, with the same weights in the same run",
        _BESIDE_HEAD,
        (_beside_row(*each) for each in compared),
    )
    served = [result for result in results if result["kind"] in ("serve", "soak")]
    parts += _section("Through WebSockets, with clients on the same machine", _SERVE_HEAD, map(_serve_row, served))
    pipecat = [row for result in results if result["kind"] == "pipecat-finals" for row in result["figures"]["rows"]]
    parts += _section(
        "In Pipecat, from the end of speech to the finalized transcript, by its stt-benchmark's method (200 ms are the "
        "voice detection's own)",
        _PIPECAT_HEAD,
        map(_pipecat_row, pipecat),
    )
    livekit = [row for result in results if result["kind"] == "livekit-flush" for row in result["figures"].items()]
    parts += _section(
        "In LiveKit's default mode, from the session's flush to the final", _LIVEKIT_HEAD, map(_livekit_row, livekit)
    )
    return "\n\n".join(parts)


def _about(results: Sequence[Result]) -> str:
    machine, versions = results[0]["machine"], results[0]["versions"]
    names = [f"{machine['cores']} cores of {machine['cpu']}", f"{machine['memory_gb']:.0f} GB"]
    if machine["gpu"]:
        names = [f"{machine['gpu']} (driver {machine['driver']})", *names]
    dates = sorted({result["date"][:10] for result in results})
    commits = sorted({result["commit"] for result in results if result["commit"]})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        f"**{', '.join(names)}**; Python {versions['python']}, PyTorch {versions['torch']}; {when}, "
        f"commit {', '.join(commits)}."
    )


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A titled table; empty without rows."""
    body = [_row(cells) for cells in rows]
    return [f"{title}:", "\n".join((_row(head), _row(["---"] * len(head)), *body))] if body else []


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ordered(results: Iterable[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (result["figures"]["model"], result["figures"]["latency_ms"]))


_ENGINE_HEAD = (
    "Model", "Chunk", "Streams sustained", "Wait p50 / p99", "Step p50 / p99", "Rows a step", "Memory", "Words changed"
)  # fmt: skip
_ONE_STREAM_HEAD = (
    "Model", "Instructions, threads", "Chunk", "Step p50 / p95", "Time for a second of audio", "Start to ready",
    "Memory, at the start's peak", "Weights",
)  # fmt: skip
_AGAINST_HEAD = "Model", "Chunk", "Time for a second of audio", "Commit", "Its time", "Its memory", "Ratio"
_BESIDE_HEAD = (
    "Model", "Chunk", "Streams of Auricle", "Beside", "Its streams (its best batch)", "Ratio",
    "One stream, time for a second of audio: Auricle / the other", "Time in",
)  # fmt: skip
_BASELINE_NAMES = {"nemo": "NeMo", "sherpa-onnx": "sherpa-onnx float32", "sherpa-onnx-int8": "sherpa-onnx int8"}
_SERVE_HEAD = (
    "Model", "Chunk", "Streams", "Final after finalize p50 / p95", "Final after speech p50 / p95", "Turn end p50 / p95",
    "Step p99", "Verdict",
)  # fmt: skip


_PIPECAT_HEAD = "Chunk", "Utterances", "p50", "p95", "p99", "After the voice detection's stop p50", "Without a final"
_LIVEKIT_HEAD = "Chunk", "Flushes", "p50", "p95", "max"


def _pipecat_row(row: Result) -> list[str]:
    return [
        f"{row['latency_ms']} ms",
        f"{row['utterances']}",
        *(f"{row['ttfs'][name]:.0f} ms" for name in ("p50", "p95", "p99")),
        f"{row['after_stop']['p50']:.0f} ms",
        f"{row['missing']}",
    ]


def _livekit_row(named: tuple[str, Result]) -> list[str]:
    chunk, figures = named
    flush = figures["flush_to_final_ms"]
    return [chunk, f"{flush['count']}", *(f"{flush[name]:.0f} ms" for name in ("p50", "p95", "max"))]


def _engine_row(result: Result) -> list[str]:
    figures = result["figures"]
    live, transcripts = figures["live"], figures["transcripts"]
    return [
        _model(figures),
        f"{figures['latency_ms']} ms",
        _count(figures["sustained_streams"], figures.get("limit")),
        _pair(live["wait"], "p50", "p99"),
        _pair(live["step"], "p50", "p99"),
        f"{live['rows']['p50']:.0f}",
        f"{figures['memory_bytes'] / _MEGA:,.0f} MB",
        f"{transcripts['differing']} of {transcripts['words']}",
    ]


def _one_stream_row(result: Result) -> list[str]:
    figures = result["figures"]
    one, start = figures["one_stream"], figures["one_stream"]["start"]
    return [
        _model(figures),
        f"{start['isa'].upper()}, {start['threads']}",
        f"{figures['latency_ms']} ms",
        _pair(one["step"], "p50", "p95"),
        f"{one['real_time_factor']:.2f} s",
        f"{start['start_seconds']:.1f} s",
        f"{one['resident_bytes'] / _MEGA:,.0f}, {start['peak_bytes'] / _MEGA:,.0f} MB",
        f"{figures['weight_bytes'] / _MEGA:,.0f} MB",
    ]


def _against_row(result: Result) -> list[str]:
    figures = result["figures"]
    one, other = figures["one_stream"], figures["against"]
    kind = other["start"]["weights"] or other["start"]["dtype"]
    return [
        _model(figures),
        f"{figures['latency_ms']} ms",
        f"{one['real_time_factor']:.2f} s",
        f"{other['commit']} ({kind})",
        f"{other['figures']['real_time_factor']:.2f} s",
        f"{other['figures']['resident_bytes'] / _MEGA:,.0f} MB",
        f"{other['ratio']:.1f}",
    ]


def _beside_row(result: Result, name: str) -> list[str]:
    figures = result["figures"]
    rounds = figures["rounds"]
    ours, theirs = rounds["ours"], rounds[name]
    # Records of earlier versions have NeMo alone, one ratio, and no time of one stream.
    alone = [f"{side['seconds_per_second']:.3f}" for side in (ours, theirs) if "seconds_per_second" in side]
    return [
        _model(figures),
        f"{figures['latency_ms']} ms",
        f"{ours['streams']:,}",
        _BASELINE_NAMES[name],
        f"{theirs['streams']:,} ({theirs['batch']})",
        f"{theirs.get('ratio', rounds.get('ratio')):.1f}" + ("" if theirs["streams"] else " in chunks a second"),
        f"{' / '.join(alone)} s" if alone else "not measured",
        result["options"]["stopwatch"],
    ]


def _serve_row(result: Result) -> list[str]:
    load = result["figures"]["load"]
    return [
        result["figures"]["model"],
        f"{load['latency_ms']} ms",
        f"{load['streams']:,}",
        _pair(load["final_after_finalize"], "p50", "p95"),
        _pair(load["final_after_speech"], "p50", "p95"),
        _pair(load["turn_end"], "p50", "p95"),
        f"{load['step_p99'] * 1e3:.0f} ms",
        "; ".join(result["figures"]["problems"]) or "holds",
    ]


def _model(figures: Result) -> str:
    packed = figures.get("weights", "float32")
    kind = figures["dtype"] if packed == "float32" else packed
    return f"{figures['model']} ({figures['millions_of_parameters']:.0f} M, {kind})"


def _count(streams: int, limit: int | None) -> str:
    """The number as text; at the upper end of the search it is a lower bound."""
    return f"at least {streams:,}" if streams and streams == limit else f"{streams:,}"


def _pair(spread: Result, low: str, high: str) -> str:
    return f"{spread[low] * 1e3:.0f} / {spread[high] * 1e3:.0f} ms"
