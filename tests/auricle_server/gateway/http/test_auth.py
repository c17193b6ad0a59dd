"""API keys and origins."""

from __future__ import annotations

import pytest

from auricle_server.gateway.errors import OriginNotAllowed, Unauthorized
from auricle_server.gateway.http.auth import check_key, check_origin

KEYS = ("one", "zwölf")


@pytest.mark.parametrize("header", [None, "", "Bearer x"])
def test_without_keys_every_client_may_connect(header: str | None) -> None:
    check_key(header, ())


@pytest.mark.parametrize("header", ["Bearer one", "bearer one ", "Bearer zwölf"])
def test_a_known_key_opens(header: str) -> None:
    check_key(header, KEYS)


@pytest.mark.parametrize("header", [None, "", "one", "Bearer", "Bearer ", "Basic one", "Bearer on", "Bearer \udcff"])
def test_anything_else_does_not(header: str | None) -> None:
    with pytest.raises(Unauthorized) as refused:
        check_key(header, KEYS)
    assert "one" not in refused.value.message.split()


@pytest.mark.parametrize("headers", [{}, {"Host": "a"}, {"Origin": "http://127.0.0.1", "Host": "127.0.0.1"}])
def test_programs_and_the_servers_own_pages_may_connect(headers: dict[str, str]) -> None:
    check_origin(headers, (), keyed=False)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "x" * 8000])
def test_other_pages_may_not_and_hear_what_to_do(origin: str) -> None:
    with pytest.raises(OriginNotAllowed, match="--allow-origin") as refused:
        check_origin({"Origin": origin, "Host": "127.0.0.1"}, ("https://app.example",), keyed=False)
    assert len(refused.value.message) < 200
