"""Writes the parts of the pages that the code or the committed results determine.

A page marks such a part with `<!-- generated: NAME -->` and `<!-- end of generated -->`; `BLOCKS` names what goes
between. `make docs-generate` rewrites the pages, and `tests/docs/test_generated.py` fails while one of them is stale.
Imports neither torch nor numpy.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from inspect import getdoc
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from auricle.protocol import CODES, ClientMessage, ServerEvent

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "tests" / "bench" / "results"
_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+(?: [a-z_-]+)?) -->\n).*?(<!-- end of generated -->)", re.DOTALL)
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
_COMMON = ("seq", "audio_time")
"""Fields of every server event."""


class Stale(Exception):
    """The pages and the code do not fit together; the message says where."""


def rewritten(text: str) -> str:
    """A page with all its generated parts written anew.

    Raises:
        Stale: The page names a part that does not exist.
    """

    def block(match: re.Match[str]) -> str:
        name, _, argument = match[2].partition(" ")
        if name not in BLOCKS:
            raise Stale(f"no generated part is called {name!r}")
        content = BLOCKS[name](argument) if argument else BLOCKS[name]()
        return f"{match[1]}\n{content}\n\n{match[3]}"

    return _BLOCK.sub(block, text)


def pages() -> list[Path]:
    """The README, and every page of the documentation."""
    return [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]


def main() -> None:
    """Rewrites the pages in place."""
    for page in pages():
        before = page.read_text()
        after = rewritten(before)
        if after != before:
            page.write_text(after)
            sys.stdout.write(f"rewrote {page.relative_to(DOCS.parent)}\n")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a vertical bar within a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


# --- protocol --------------------------------------------------------------------------------------------------------


@cache
def _meanings() -> dict[str, dict[str, str]]:
    return tomllib.loads((DOCS / "fields.toml").read_text())


@cache
def _messages() -> dict[str, Any]:
    """The message classes by their `type`, and what they contain by the name that the page gives it."""
    found: dict[str, Any] = {kind.TYPE: kind for kind in (*get_args(ClientMessage), *get_args(ServerEvent))}
    for message, name in (("start", "turn"), ("ready", "limits"), ("ready", "chunks"), ("ready", "held")):
        found[name] = _inner(get_type_hints(found[message])[name])
    hints = get_type_hints(found["final"])
    return {**found, "word": _inner(hints["words"]), "language_span": _inner(hints["languages"])}


def _inner(hint: Any) -> Any:
    """The dataclass within an optional or a tuple of it."""
    if is_dataclass(hint):
        return hint
    return next(inner for arm in get_args(hint) if (inner := _inner(arm)) is not None) if get_args(hint) else None


def message_table(name: str) -> str:
    """The fields of a message, or of an object within one."""
    if name == "event":
        kind, names = _messages()["settled"], set(_COMMON)
    else:
        kind = _messages()[name]
        names = {field.name for field in fields(kind)} - (set(_COMMON) if hasattr(kind, "seq") else set())
    meanings = _meanings()[name]
    if names != set(meanings):
        raise Stale(f"docs/fields.toml, [{name}]: expected {sorted(names)}, found {sorted(meanings)}")
    if not names:
        return "It has no fields."
    received = name not in {"start", "update", "finalize", "turn"}
    hints = get_type_hints(kind)
    rows = [
        [
            f"`{field.name}`",
            _json_type(hints[field.name]),
            *([] if received else [_default(field)]),
            meanings[field.name],
        ]
        for field in fields(kind)
        if field.name in names
    ]
    return table(["Field", "Type", *([] if received else ["Default"]), "Meaning"], rows)


def _json_type(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return _json_type(next(arm for arm in get_args(hint) if arm is not NoneType))
    if get_origin(hint) is Literal:
        return "string"
    if get_origin(hint) is tuple:
        of = _json_type(get_args(hint)[0])
        return "list of objects" if of == "object" else f"list of {of}s"
    return "object" if is_dataclass(hint) else _JSON_TYPES[hint]


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        default = [] if field.default == () else field.default
        return f"`{json.dumps(default)}`"
    return "required" if field.default_factory is MISSING else "`{}`"


def codes_table() -> str:
    """Every error code."""
    meanings = _meanings()["codes"]
    if set(meanings) != set(CODES):
        raise Stale(f"docs/fields.toml, [codes]: {sorted(set(meanings) ^ set(CODES))} are missing or unknown")
    rows = [
        [f"`{row.code}`", row.fault, "always" if row.fatal else "in answer to `start`", str(row.close_code), meaning]
        for code, meaning in meanings.items()
        for row in [CODES[code]]
    ]
    rows = [
        [*row[:2], "never", "", row[4]] if row[0] in {"`unwritable_keyterms`", "`unexpected_event`"} else row
        for row in rows
    ]
    return table(["Code", "Fault", "Closes the connection", "Close code", "Meaning"], rows)


# --- configuration, command line, metrics ----------------------------------------------------------------------------


def _attributes(kind: type) -> dict[str, str]:
    """What a class's docstring says of each of its attributes."""
    _, _, section = (getdoc(kind) or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if not line.strip():
            break
        if match := re.match(r" {4}(\w+): (.*)", line):
            name = match[1]
            found[name] = match[2]
        else:
            found[name] += f" {line.strip()}"
    return {name: re.sub(r"\bNone\b", "unset", text.replace("``", "`")) for name, text in found.items()}


def configuration_table() -> str:
    """Every setting of a server: its option, its environment variable, its default and what it does."""
    from auricle_server.config import ServerConfig

    config = ServerConfig()
    rows = []
    for owner in (config, config.limits):
        texts = _meanings()["limits"] if owner is config.limits else _attributes(type(owner))
        for field in fields(owner):
            if field.name == "limits":
                continue
            option = _serve_options().get(field.name, "")
            value = getattr(owner, field.name)
            rows.append([f"`AURICLE_{field.name.upper()}`", option, _shown(value), texts[field.name]])
    return table(["Variable", "Option of `auricle serve`", "Default", "Meaning"], rows)


def _shown(value: Any) -> str:
    if value is None:
        return "unset"
    if value == ():
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


@cache
def _serve_options() -> dict[str, str]:
    (serve,) = (command for name, command in _commands() if name == "serve")
    return {name: f"`{names[0]}`" for name, _, names, _ in _parameters(serve) if names}


def _commands() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The function behind every command, by the command's words."""
    from auricle_server.commands.app import app

    for command in app.registered_commands:
        if command.callback is not None:
            yield command.name or command.callback.__name__, command.callback
    for group in app.registered_groups:
        inner = group.typer_instance
        for command in inner.registered_commands if inner is not None and inner.info.name else ():
            assert inner is not None
            if command.callback is not None:
                yield f"{inner.info.name} {command.name or command.callback.__name__}", command.callback


def _parameters(command: Callable[..., Any]) -> Iterator[tuple[str, Any, list[str], str]]:
    """Each parameter of a command: its name, its type, its option's names (none for an argument) and its help."""
    from typer.models import OptionInfo

    for name, hint in get_type_hints(command, include_extras=True).items():
        if name != "return":
            kind, info = get_args(hint)
            # Within `Annotated`, Typer keeps the first name of an option where a default would be.
            named = [each for each in (info.default, *(info.param_decls or ())) if isinstance(each, str)]
            names = named or [f"--{name.replace('_', '-')}"]
            yield info.metavar or name, kind, names if isinstance(info, OptionInfo) else [], _one_line(info.help)


def command_reference() -> str:
    """Every command with its help and its options."""
    return "\n\n".join(_command_section(name, command) for name, command in _commands())


def _command_section(name: str, command: Callable[..., Any]) -> str:
    parameters = list(_parameters(command))
    options = [
        [", ".join(f"`{name}`" for name in names), _value(kind), text] for _, kind, names, text in parameters if names
    ]
    arguments = [[f"`{name.upper()}`", _value(kind), text] for name, kind, names, text in parameters if not names]
    parts = [f"## auricle {name}", _paragraphs(getdoc(command))]
    parts += [table(["Argument", "Value", "Meaning"], arguments)] if arguments else []
    parts += [table(["Option", "Value", "Meaning"], options)] if options else []
    return "\n\n".join(parts)


_VALUES: dict[Any, str] = {str: "text", int: "integer", float: "number", bool: "flag", Path: "path"}


def _value(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return _value(next(arm for arm in get_args(hint) if arm is not NoneType))
    if get_origin(hint) is list:
        return f"{_value(get_args(hint)[0])}, repeatable"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{choice.value}`" for choice in hint)
    return _VALUES[hint]


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(map(_one_line, (text or "").split("\n\n")))


def metrics_table() -> str:
    """Every metric of a gateway."""
    from prometheus_client.metrics import MetricWrapperBase

    from auricle_server.metrics import Metrics

    rows = []
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            name = f"{metric._name}_total" if metric._type == "counter" else metric._name
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            rows.append([f"`{name}`", str(metric._type), labels, metric._documentation])
    return table(["Name", "Type", "Labels", "Meaning"], rows)


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
            parts += [f"Model {model}; {about}, commit {result['commit']}:", _RESULT_TABLES[kind](result)]
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


def summary_table() -> str:
    """The README's few lines of figures, from the demo model's results on the first machine that has them."""
    found = [json.loads(path.read_text()) for path in sorted(RESULTS.rglob("*.json"))]
    demo = [result for result in found if result["options"].get("model", "demo") == "demo"]

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
    ratios = " and ".join(f"{engine[chunk]['rounds']['ratio']:.1f} times at {chunk} ms" for chunk in (80, 560))
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


_RESULT_TABLES: dict[str, Callable[[Result], str]] = {
    "finals": _finals,
    "turns": _turns,
    "refine": _refine,
    "words": _words,
    "keyterms": _keyterms,
    "languages": _languages,
    "offline": _files,
}

BLOCKS: dict[str, Callable[..., str]] = {
    "message": message_table,
    "codes": codes_table,
    "configuration": configuration_table,
    "commands": command_reference,
    "metrics": metrics_table,
    "summary": summary_table,
    **{f"results-{kind}": partial(results_table, kind) for kind in _RESULT_TABLES},
}

if __name__ == "__main__":
    main()
