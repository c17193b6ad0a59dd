"""What the code determines: messages, error codes, settings, commands and metrics. Imports neither torch nor numpy."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from inspect import getdoc
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from auricle.protocol import CODES, ClientMessage, ServerEvent
from auricle.protocol.codes import NOTICES
from docs.tables import Stale, table

DOCS = Path(__file__).parents[1]
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
_COMMON = ("seq", "audio_time")
"""Fields of every server event."""


# --- protocol --------------------------------------------------------------------------------------------------------


@cache
def _meanings() -> dict[str, dict[str, str]]:
    return tomllib.loads((DOCS / "fields.toml").read_text())


@cache
def messages() -> dict[str, Any]:
    """The message classes by their `type`, and what they contain by the name that the page gives it."""
    found: dict[str, Any] = {kind.TYPE: kind for kind in (*get_args(ClientMessage), *get_args(ServerEvent))}
    for message, name in (
        ("start", "turn"),
        ("start", "text_format"),
        ("ready", "limits"),
        ("ready", "chunks"),
        ("ready", "held"),
    ):
        found[name] = _inner(get_type_hints(found[message])[name])
    found["replacement"] = _inner(get_type_hints(found["text_format"])["replace"])
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
        kind, names = messages()["settled"], set(_COMMON)
    else:
        kind = messages()[name]
        names = {field.name for field in fields(kind)} - (set(_COMMON) if hasattr(kind, "seq") else set())
    meanings = _meanings()[name]
    if names != set(meanings):
        raise Stale(f"docs/fields.toml, [{name}]: expected {sorted(names)}, found {sorted(meanings)}")
    if not names:
        return "It has no fields."
    received = name not in {"start", "update", "finalize", "turn", "text_format", "replacement"}
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
        if is_dataclass(field.default):
            return "`{}`"
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
        [*row[:2], "never", "", row[4]] if row[0].strip("`") in {*NOTICES, "unexpected_event"} else row for row in rows
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
    for owner in (config, config.telemetry, config.limits):
        texts = _meanings()["limits"] if owner is config.limits else _attributes(type(owner))
        for field in fields(owner):
            if field.name in {"limits", "telemetry"}:
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
    from typer import Context
    from typer.models import OptionInfo

    for name, hint in get_type_hints(command, include_extras=True).items():
        if name != "return" and hint is not Context:
            kind, info = get_args(hint)
            # Within `Annotated`, Typer keeps the first name of an option where a default would be.
            named = [each for each in (info.default, *(info.param_decls or ())) if isinstance(each, str)]
            names = named or [f"--{name.replace('_', '-')}"]
            text = _one_line(info.help) + (f" Variable: `{info.envvar}`." if info.envvar else "")
            yield info.metavar or name, kind, names if isinstance(info, OptionInfo) else [], text


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

    from auricle_server.telemetry.metrics import Metrics

    rows = []
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            name = f"{metric._name}_total" if metric._type == "counter" else metric._name
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            rows.append([f"`{name}`", str(metric._type), labels, metric._documentation])
    return table(["Name", "Type", "Labels", "Meaning"], rows)
