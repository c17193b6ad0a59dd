"""How well turns are ended: synthesised conversations with known ends, recorded once, and every detector over them.

    python -m tests.bench.turns                     # synth, trace, report
    python -m tests.bench.turns synth trace fit     # weights for auricle_server.turns.fusion

Needs espeak-ng and Flite, and the models of ``auricle[turns]``. What was made before is used again. Weights and
thresholds are chosen on the set `tune`; results are of `held_out`, which shares no sentence and no voice with it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from auricle_server.bench.report.results import record, write
from tests.bench.turns import fit, signals
from tests.bench.turns.conversations import synthesise
from tests.bench.turns.recordings import recorded_traces
from tests.bench.turns.report import DEFAULT_LATENCY_MS, Figures, figures, markdown, plot, recorded_figures
from tests.bench.turns.scripts import SETS
from tests.bench.turns.simulate import SIGNALS, systems
from tests.bench.turns.traces import Trace, load_set, trace

_STAGES = ("synth", "trace", "fit", "report")
FITTED_LATENCIES = (80, 160)
"""Of the decoder, for the weights."""
_NAME = "turns-demo"
_PACKAGES = ("pipecat-ai", "onnxruntime")


def main() -> None:
    """Runs the stages that are asked for."""
    options = _parser().parse_args()
    stages = options.stages or ("synth", "trace", "report")
    if "synth" in stages:
        for part in SETS:
            print(f"{len(list(synthesise(options.cache, part, options.conversations, options.processes)))} of {part}")
    if "trace" in stages:
        for part in SETS:
            trace(sorted((options.cache / part).glob("*.json")), options.processes)
    if "fit" in stages:
        _fit(load_set(options.cache, "tune", FITTED_LATENCIES))
    if "report" in stages:
        _report(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.turns", description=__doc__)
    parser.add_argument("stages", nargs="*", choices=[[], *_STAGES], help="what to do; all but fit unless given")
    parser.add_argument("--conversations", type=int, default=50, help="in each of the two sets, 32 s each")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "auricle-turns")
    parser.add_argument("--set", choices=SETS, default="held_out", help="which the report is about")
    parser.add_argument("--recordings", type=Path, help="a folder of recordings, one turn each")
    parser.add_argument("--out", type=Path, help="folder of the results; the default is named for the machine")
    return parser


def _fit(traces: list[Trace]) -> None:
    for each in SIGNALS:
        found = fit.fit(*fit.examples(traces, FITTED_LATENCIES, each))
        weights = ", ".join(f"{value:.2f}" for value in found.weights)
        print(f"{each}: bias {found.bias:.2f}; {weights}; loss {found.loss:.3f} of {found.examples} examples")


def _report(options: argparse.Namespace) -> None:
    made = figures(load_set(options.cache, options.set))
    if options.recordings:
        made["recordings"] = _recorded(options.recordings, made["systems"])
    print(markdown(made))
    used = {"set": options.set, "conversations": options.conversations, "latency_ms": DEFAULT_LATENCY_MS}
    packages = {name: metadata.version(name) for name in _PACKAGES}
    path = write(record("turns", used | {"packages": packages}, made), options.out, _NAME)
    path.with_suffix(".md").write_text(markdown(made))
    plot(made, path.with_suffix(".svg"))
    print(path)


def _recorded(folder: Path, measured: Sequence[Figures]) -> Figures:
    """What each system makes of recordings: at its typical operating point, and at the best ones for them."""
    traces = recorded_traces(folder, DEFAULT_LATENCY_MS)
    values = {each["name"]: each["typical"]["value"] for each in measured if each["typical"]}
    return {
        "recordings": [trace.conversation.name for trace in traces],
        "signals": signals.table(traces, DEFAULT_LATENCY_MS),
        "systems": {
            system.name: recorded_figures(system, traces, values.get(system.name))
            for system in systems(DEFAULT_LATENCY_MS)
        },
    }


if __name__ == "__main__":
    main()
