"""One set of options, as a value and as keyword arguments."""

from __future__ import annotations

from dataclasses import fields
from typing import get_type_hints

import pytest

import auricle
from auricle import AuricleClient, ClientOptions
from auricle.client_options import ClientKeywords
from tests.support.bursts import START, burst_server


def test_the_keywords_are_the_fields() -> None:
    assert get_type_hints(ClientKeywords) == get_type_hints(ClientOptions)
    assert set(get_type_hints(ClientKeywords)) == {field.name for field in fields(ClientOptions)}


def test_the_key_is_not_in_the_repr() -> None:
    assert "sesame" not in repr(ClientOptions(api_key="sesame"))


def test_an_option_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TypeError, match="colour"):
        AuricleClient("ws://localhost", colour="red")  # type: ignore[call-arg]


async def test_keywords_replace_those_of_the_options() -> None:
    options = ClientOptions(api_key="wrong")
    async with (
        burst_server(key="sesame") as server,
        auricle.connect(server.url, start=START, options=options, api_key="sesame") as stream,
    ):
        assert stream.ready.session == "1"
    assert options.api_key == "wrong"
