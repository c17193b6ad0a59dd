from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from auricle.protocol import InvalidMessage
from auricle.protocol.codec import _from_json
from auricle.protocol.settings import brief


@dataclass(frozen=True)
class Inner:
    level: float


@dataclass(frozen=True)
class Outer:
    name: str
    colour: Literal["red", "blue"] = "red"
    count: int | None = None
    inner: tuple[Inner, ...] = ()
    on: bool = False


def test_plain_values_become_the_dataclass() -> None:
    values = {"name": "a", "colour": "blue", "count": 3, "inner": [{"level": 1}, {"level": 0.5}], "on": True}
    assert _from_json(Outer, values, strict=True) == Outer("a", "blue", 3, (Inner(1.0), Inner(0.5)), on=True)
    assert _from_json(Outer, {"name": "a", "count": None}, strict=True) == Outer("a")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "name"),
        ({"name": 7}, "name"),
        ({"name": "\ud83d"}, "name"),
        ({"name": "a", "colour": "green"}, "colour"),
        ({"name": "a", "count": 1.5}, "count"),
        ({"name": "a", "count": True}, "count"),
        ({"name": "a", "on": 1}, "on"),
        ({"name": "a", "inner": {}}, "inner"),
        ({"name": "a", "inner": [3]}, "inner[0]"),
        ({"name": "a", "inner": [{"level": 1}, {"level": "x"}]}, "inner[1].level"),
        ({"name": "a", "inner": [{"level": 1e300}]}, "inner[0].level"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        _from_json(Outer, values, strict=False)
    assert caught.value.field == field


def test_unknown_fields_are_errors_only_when_strict() -> None:
    values = {"name": "a", "inner": [{"level": 1, "unit": "dB"}]}
    assert _from_json(Outer, values, strict=False) == Outer("a", inner=(Inner(1.0),))
    with pytest.raises(InvalidMessage) as caught:
        _from_json(Outer, values, strict=True)
    assert caught.value.field == "inner[0].unit"


def test_long_values_are_cut_in_error_messages() -> None:
    assert brief("short") == "'short'"
    assert len(brief("x" * 1_000_000)) < 100
    assert len(brief(10**5000)) < 100  # Python itself refuses to write it
