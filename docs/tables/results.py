"""What the committed results determine: the tables of figures."""

import json
import re
from collections.abc import Callable
from typing import Any

from docs.tables import RESULTS, table
from docs.tables.cpu import accuracy_tables

# --- results ---------------------------------------------------------------------------------------------------------

Result = dict[str, Any]
_CHUNK = re.compile(r"\d+")


def results_table(kind: str) -> str:
    """The committed figures of one kind of bench, a table for each run."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.rglob("*.json"))]
    parts = []
    for result in found:
        if result["kind"] == kind:
            machine = result["machine"]
            device = f"{machine['gpu']}, " if machine["gpu"] else ""
            about = f"{device}{machine['cores']} cores of {machine['cpu']}, {result['date'][:10]}"
            model = result["options"].get("model", "demo")
            parts += [f"Model {model}; {about}, commit {result['commit']}:", RESULT_TABLES[kind](result)]
    return "\n\n".join(parts) if parts else "No measured figures yet."


def _finals(result: Result) -> str:
    rows = [
        [
            f"{chunk} ms",
            *(f"{row[name]}" for name in ("finals", "lost", "doubled", "leaked", "changed", "split", "unclosed")),
            f"{row['wer_percent']:.2f} / {row['uncut_wer_percent']:.2f} %",
        ]
        for chunk, row in result["figures"].items()
    ]
    head = "Chunk", "Finalizes", "Words lost", "Doubled", "Marks leaked", "Last word changed", "Split"
    return table([*head, "Without a closing mark", "WER with / without finalizes"], rows)


_SYSTEMS = {
    "VAD only": "voice detection only (Silero)",
    "Smart Turn, once": "Smart Turn, asked once, as Pipecat does",
    "Auricle, silence": "silence mode",
    "Auricle, semantic, words only": "semantic mode without the `turns` extra",
    "Auricle, semantic": "semantic mode",
}


def _turns(result: Result) -> str:
    rows = [
        [
            _SYSTEMS[system["name"]],
            *(f"{system['at_budget'][budget]['cut'] * 100:.0f} %" for budget in ("600", "1000")),
            *(f"{system['at_cutoffs'][share]['mean'] * 1000:,.0f} ms" for share in ("5", "10")),
        ]
        for system in result["figures"]["systems"]
        if system["name"] in _SYSTEMS
    ]
    head = "", "Pauses cut off at a mean latency of 600 ms", "at 1,000 ms", "Mean latency at 5 % of pauses cut off"
    return table([*head, "at 10 %"], rows)


def _refine(result: Result) -> str:
    rows = [
        [
            name,
            f"{row['finals']}",
            f"{row['words']:,}",
            f"{row['wer_percent']:.2f} %",
            f"{row['cpu_per_audio_second']:.3f} s",
        ]
        for name, row in result["figures"].items()
        if isinstance(row, dict) and "words" in row
    ]
    waits = {name: row for name, row in result["figures"].items() if name.startswith("finalize_ms")}
    waited = [
        [name.removeprefix("finalize_ms "), *(f"{row[part]:.0f} ms" for part in ("p50", "p95", "p99"))]
        for name, row in waits.items()
    ]
    first = table(["Chunk", "Finals", "Words", "WER", "CPU time a second of audio"], rows)
    return f"{first}\n\n{table(['`refine`', 'Finalize to final p50', 'p95', 'p99'], waited)}"


def _words(result: Result) -> str:
    rows = []
    for chunk, row in result["figures"].items():
        starts, ends = row["start_ms"], row["end_ms"]
        confidence = row["confidence"]
        rows.append(
            [
                f"{chunk} ms",
                f"{row['said']:,}",
                *(f"{side['after']['mean']:.0f} ({side['before']['mean']:.0f}) ms" for side in (starts, ends)),
                f"{confidence['calibrated']['auc']:.2f} ({confidence['probability']['auc']:.2f})",
                f"{confidence['calibrated']['ece']:.2f}",
            ]
        )
    head = (
        "Chunk",
        "Words",
        "Mean error of starts (the decoder's frames)",
        "of ends",
        "AUC of confidence (probabilities)",
    )
    return table([*head, "ECE"], rows)


def _keyterms(result: Result) -> str:
    figures = result["figures"]
    rows = [
        [
            chunk,
            f"{name} ({figures['terms'][name]})",
            f"{row['heard']} of {row['sentences']} ({row['recall'] * 100:.1f} %)",
            f"{row['wer_named']:.1f} %",
            f"{row['wer_ordinary']:.1f} %",
        ]
        for chunk, each in figures.items()
        if chunk.endswith(" ms")
        for name, row in each.items()
    ]
    return table(["Chunk", "Key terms", "Names heard", "WER, sentences with names", "WER, ordinary sentences"], rows)


def _languages(result: Result) -> str:
    settings = {name: each for name, each in result["figures"].items() if name.endswith((" ms auto", " ms told"))}
    codes = list(next(iter(settings.values())))
    rows = [[name, *(f"{each[code]['wer_percent']:.1f} %" for code in codes)] for name, each in settings.items()]
    return table(["Chunk and setting", *codes], rows)


def _files(result: Result) -> str:
    figures = result["figures"]
    speeds = [[name, f"{hours:.0f}"] for name, hours in figures["hours an hour"].items()]
    waits = [[name, f"{row['p50']:.0f} ms", f"{row['p99']:.0f} ms"] for name, row in figures.items() if "wait" in name]
    long = figures["long file"]
    first = table(["Files at once, and how", "Hours of audio an hour of CPU time"], speeds)
    second = table(["", "p50", "p99"], waits)
    took = f"{long['cpu_seconds']:.0f} s of CPU time and {long['grown_mb']:.0f} MB more memory"
    return f"{first}\n\n{second}\n\nOne file of {long['hours']:g} hours took {took}."


def _evaluate(result: Result) -> str:
    """One table: a column for cures where they differ, and columns only for what was measured."""
    rows = result["figures"]["rows"]
    columns = {
        "Cures": [each["cures"] for each in rows],
        "Setting": [
            ", ".join([each["mode"], *([f"{each['latency_ms']} ms"] if each["latency_ms"] else [])]) for each in rows
        ],
        **{head: [_figure(each["figures"], name) for each in rows] for head, name in _EVALUATED.items()},
    }
    if len(set(columns["Cures"])) == 1:
        del columns["Cures"]
    else:
        differences = {each["second"]: each["difference"] for each in result["figures"]["comparisons"]}
        columns["WER difference, points (95 %)"] = [_signed(differences.get(number)) for number in range(len(rows))]
    shown = {head: cells for head, cells in columns.items() if set(cells) != {_NOTHING}}
    words = f"{result['figures']['clips']} recordings, {rows[0]['figures']['all']['words']} words."
    return f"{words}\n\n{table(list(shown), list(zip(*shown.values(), strict=True)))}"


_NOTHING = "–"
_EVALUATED = {
    "WER (95 %)": "word_errors",
    "CER (95 %)": "character_errors",
    "Words lost at starts": "lost_at_starts",
    "at ends": "lost_at_ends",
    "First word wrong": "first_word_wrong",
    "Closing marks": "closing_marks",
    "Turn ends: all / before more speech / in speech": "turn_ends",
    "Turn end after speech p50 / p95": "turn_end_after_speech",
    "Finalize to final p50 / p95": "finalize_to_final",
    "Language wrong": "language_wrong",
}


def _figure(figures: Any, name: str) -> str:
    """One figure of an evaluation in words."""
    match {**figures["all"], **figures}[name]:
        case None | {"of": 0}:
            return _NOTHING
        case {"value": value, "low": low, "high": high}:
            return f"{value:.1f} % ({low:.1f}–{high:.1f})"
        case {"p50": p50, "p95": p95}:
            return f"{p50:.2f} / {p95:.2f} s"
        case {"count": count, "of": of}:
            return f"{count} of {of}"
        case ends if name == "turn_ends":
            return f"{ends} / {figures['turn_ends_before_more_speech']} / {figures['turn_ends_in_speech']}"
        case words:
            side = name.removeprefix("lost_at_").removesuffix("s")
            return f"{words} in {figures[f'recordings_cut_at_{side}']['count']}"


def _signed(difference: Any) -> str:
    if difference is None:
        return _NOTHING
    return f"{difference['value']:+.1f} ({difference['low']:+.1f} to {difference['high']:+.1f})"


def summary_table() -> str:
    """The README's few lines of figures, from the demo model's results on the first machine that has them."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.rglob("*.json"))]
    demo = [result for result in found if result["options"].get("model", "demo") == "demo"]
    # The demo model's own format: others of it may have been measured for comparison.
    demo = [result for result in demo if result["figures"].get("weights", "float32") == "float32"]

    def figures(kind: str) -> Any:
        return next(result["figures"] for result in demo if result["kind"] == kind)

    engine = {
        result["figures"]["latency_ms"]: result["figures"] for result in reversed(demo) if result["kind"] == "engine"
    }
    pipecat = next(row for row in figures("pipecat-finals")["rows"] if row["latency_ms"] == 160)["ttfs"]
    finals, refine = figures("finals").values(), figures("refine")
    asked = sum(row["finals"] for row in finals)
    lost, doubled = (sum(row[name] for row in finals) for name in ("lost", "doubled"))
    streams = ", ".join(f"{engine[chunk]['sustained_streams']} at {chunk} ms" for chunk in (80, 160, 560, 1120))
    rounds = {chunk: engine[chunk]["rounds"] for chunk in (80, 560)}
    # Older records have one other engine, and its ratio beside it.
    ratio = {chunk: each["nemo"].get("ratio", each.get("ratio")) for chunk, each in rounds.items()}
    ratios = " and ".join(f"{value:.1f} times at {chunk} ms" for chunk, value in ratio.items())
    plain, refined, full = (refine[name]["wer_percent"] for name in ("80 ms", "80 ms refined", "1120 ms"))
    flush = figures("livekit-flush")["160 ms"]["flush_to_final_ms"]
    rows = [
        ["Live streams, the engine by itself", streams],
        ["Streams beside NeMo's own pipeline, same weights, same run", ratios],
        [
            "Pipecat, end of speech to final",
            f"p50 {pipecat['p50']:.0f} ms, p95 {pipecat['p95']:.0f} ms; 200 ms of it are the voice detection's own",
        ],
        ["LiveKit, flush to final", f"p50 {flush['p50']:.0f} ms, p95 {flush['p95']:.0f} ms"],
        [f"{asked:,} finalizes at random moments", f"{lost} words lost, {doubled} doubled"],
        ["Second pass, word error rate", f"{plain:.2f} % at 80 ms, refined {refined:.2f} %; {full:.2f} % at 1120 ms"],
    ]
    return table(["", "Measured"], rows)


RESULT_TABLES: dict[str, Callable[[Result], str]] = {
    "finals": _finals,
    "turns": _turns,
    "refine": _refine,
    "words": _words,
    "keyterms": _keyterms,
    "languages": _languages,
    "offline": _files,
    "evaluate": _evaluate,
    "weight-formats": accuracy_tables,
}
