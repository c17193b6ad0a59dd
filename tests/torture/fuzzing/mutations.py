"""Broken variants of a valid message: of its fields, its values, its bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), "", " ", "\x00", "\ud800", "\U0001f600" * 50, "a" * 5000, "160", "auto", "en-US", "semantic", [], {},
    [[]], [None], {"a": {}}, ["a"] * 2000, [1, "b"], {"mode": "off"}, {"mode": "silence", "silence_ms": -1},
)  # fmt: skip
"""Values where others belong."""
_FIELDS = (
    "type", "version", "encoding", "sample_rate", "latency_ms", "language", "turn", "keyterms", "words", "refine",
    "offline", "id", "seq", "audio_time", "text", "mode", "silence_ms", "__proto__", "", "Type", "ty\u0440e",
)  # fmt: skip
_TYPES = ("start", "update", "finalize", "end", "ready", "final", "interim", "error", "START", "start ", "", "close")
_DEEP = 100_000


def mutated(text: str, rng: random.Random) -> str:
    """A variant of a message's text; seldom the text itself."""
    for _ in range(1 + (rng.random() < 0.3)):
        text = rng.choice(_MUTATIONS)(text, rng)
    return text


def _change_value(text: str, rng: random.Random) -> str:
    return _edited(text, rng, lambda fields, name: fields.update({name: rng.choice(_STRANGE)}))


def _drop_field(text: str, rng: random.Random) -> str:
    return _edited(text, rng, lambda fields, name: fields.pop(name, None))


def _add_field(text: str, rng: random.Random) -> str:
    return _edited(text, rng, lambda fields, _: fields.update({rng.choice(_FIELDS): rng.choice(_STRANGE)}))


def _other_type(text: str, rng: random.Random) -> str:
    return _edited(text, rng, lambda fields, _: fields.update({"type": rng.choice(_TYPES)}))


def _change_inside(text: str, rng: random.Random) -> str:
    """Changes a field of an object within the message."""

    def change(fields: dict[str, Any], _: str) -> None:
        inner = [value for value in fields.values() if isinstance(value, dict) and value]
        if inner:
            chosen = rng.choice(inner)
            chosen[rng.choice([*chosen, *_FIELDS])] = rng.choice(_STRANGE)

    return _edited(text, rng, change)


def _edited(text: str, rng: random.Random, edit: Callable[[dict[str, Any], str], object]) -> str:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(fields, dict) or not fields:
        return text
    edit(fields, rng.choice(list(fields)))
    return json.dumps(fields, ensure_ascii=False)


def _repeat_field(text: str, rng: random.Random) -> str:
    return text.replace("{", '{"' + rng.choice(_FIELDS) + '":1,', 1)


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _insert(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(('"', "{", "]", ",", "\\", "\\u", "\x00", "\u2028", "0", "e9", "NaN")) + text[at:]


def _change_character(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + chr(rng.choice((rng.randrange(128), rng.randrange(0xD7FF)))) + text[at + 1 :]


def _double(text: str, _: random.Random) -> str:
    return text + text


def _wrap(text: str, rng: random.Random) -> str:
    return rng.choice(("[" + text + "]", json.dumps(text), '{"type":' + text + "}", "\ufeff" + text, text + " \n"))


def _nest(_: str, rng: random.Random) -> str:
    return rng.choice(
        ("[" * _DEEP, '{"type":' * (_DEEP // 8), '{"type":"start","turn":' + "[" * 5000 + "]" * 5000 + "}")
    )


_MUTATIONS = (
    *(_change_value,) * 6, *(_drop_field,) * 2, *(_add_field,) * 4, *(_other_type,) * 2, *(_change_inside,) * 4,
    _repeat_field, *(_cut,) * 2, *(_insert,) * 3, *(_change_character,) * 3, _double, _wrap, _nest,
)  # fmt: skip
"""Each as often as it is to be taken."""
