"""The origins of web pages."""

from __future__ import annotations

import pytest

from auricle_server.gateway.errors import OriginNotAllowed
from auricle_server.gateway.http.auth import check_origin


@pytest.mark.parametrize("headers", [{}, {"Host": "a"}, {"Origin": "http://127.0.0.1", "Host": "127.0.0.1"}])
def test_programs_and_the_servers_own_pages_may_connect(headers: dict[str, str]) -> None:
    check_origin(headers, (), keyed=False)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "x" * 8000])
def test_other_pages_may_not_and_hear_what_to_do(origin: str) -> None:
    with pytest.raises(OriginNotAllowed, match="--allow-origin") as refused:
        check_origin({"Origin": origin, "Host": "127.0.0.1"}, ("https://app.example",), keyed=False)
    assert len(refused.value.message) < 200
