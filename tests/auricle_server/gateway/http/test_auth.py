"""API keys."""

from __future__ import annotations

import pytest

from auricle_server.gateway.errors import Unauthorized
from auricle_server.gateway.http.auth import check_key

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
