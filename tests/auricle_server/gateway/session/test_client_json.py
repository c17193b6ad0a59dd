"""JSON of clients, read field by field."""

from __future__ import annotations

from typing import Any

import pytest

from auricle.protocol import codes
from auricle.protocol.codes import ProtocolViolation
from auricle_server.gateway.session.client_json import JsonObject, parse_object, to_json


def test_fields_are_read_by_their_type() -> None:
    message = parse_object('{"a":"x","b":1.5,"c":["x","y"],"d":{"e":2},"f":null,"g":"one","h":true}')
    assert message.text("a") == "x"
    assert message.number("b") == 1.5
    assert (message.texts("c"), message.texts("g")) == (("x", "y"), ("one",))
    nested = message.nested("d")
    assert nested is not None
    assert nested.number("e") == 2
    assert message.flag("h") is True
    for read in (message.text, message.number, message.flag, message.texts, message.nested):
        assert read("f") is None
        assert read("missing") is None
    assert "f" in message
    assert "missing" not in message


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "null", "[" * 100_000, '{"a":NaN}', '{"a":[-Infinity]}', '{"a":"\\ud800"}', '{"\\uDC00":1}'],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ProtocolViolation) as refused:
        parse_object(text)
    assert refused.value.code == codes.BAD_JSON


@pytest.mark.parametrize(
    ("name", "value"),
    [("text", 1), ("text", "\ud800"), ("number", "1"), ("number", True), ("number", 10**400), ("number", float("inf")),
     ("flag", 1), ("texts", [1]), ("texts", {}), ("nested", [])],
)  # fmt: skip
def test_a_wrong_type_is_named_with_its_place(name: str, value: Any) -> None:
    outer = JsonObject({"outer": {"field": value}}).nested("outer")
    with pytest.raises(ProtocolViolation, match=r"outer\.field: expected") as refused:
        getattr(outer, name)("field")
    assert refused.value.code == codes.INVALID_FIELD


def test_json_is_written_in_utf_8_without_spaces() -> None:
    assert to_json({"a": ["ü", 1]}) == '{"a":["ü",1]}'


def test_audio_is_base64() -> None:
    assert parse_object('{"audio":"AAEC"}').audio("audio") == b"\0\1\2"
    assert parse_object("{}").audio("audio") == b""


@pytest.mark.parametrize("audio", ["AAA", "not base64!", "\u00e9\u00e9\u00e9\u00e9", 5, ["AAAA"], "\ud800"])
def test_what_is_no_base64_is_the_clients_fault(audio: Any) -> None:
    with pytest.raises(ProtocolViolation) as refused:
        JsonObject({"audio": audio}).audio("audio")
    assert refused.value.message.startswith("audio: expected ")
    assert refused.value.code in {codes.BAD_AUDIO, codes.INVALID_FIELD}
