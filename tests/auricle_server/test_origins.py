"""Which web pages may use a server."""

from __future__ import annotations

import pytest

from auricle_server.origins import Origin, is_allowed

LISTED = ("https://app.example.com", "http://localhost:3000", "capacitor://localhost")


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port"),
    [
        ("https://app.example.com", "https", "app.example.com", 443),
        ("HTTP://App.Example.com:80/", "http", "app.example.com", 80),
        ("http://[::1]:8765", "http", "[::1]", 8765),
        ("capacitor://localhost", "capacitor", "localhost", None),
    ],
)
def test_an_origin_is_a_scheme_a_host_and_a_port(text: str, scheme: str, host: str, port: int | None) -> None:
    assert Origin.parse(text) == Origin(scheme, host, port)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "null",
            "app.example.com",
            "https://",
            "https://a b",
            "https://a/b",
            "https://me@a",
            "https://a:b",
            "//a",
        ),
        *(
            "https://a:443:443",
            "https://[::1",
            "https://a\t",
            "https://\N{CYRILLIC SMALL LETTER A}",
            "https://a?b",
            "*",
        ),
        "http://" + "a" * 5000 + "/x",
    ],
)
def test_anything_else_is_none_and_is_not_echoed_at_length(text: str) -> None:
    with pytest.raises(ValueError, match="expected an origin like https://app") as refused:
        Origin.parse(text)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        ("http://127.0.0.1:8765", "127.0.0.1:8765"),
        ("http://localhost:8765", "LOCALHOST:8765"),
        ("http://[::1]:8765", "[::1]:8765"),
        ("http://192.168.0.7", "192.168.0.7"),
        ("https://192.168.0.7", "192.168.0.7:443"),
        ("https://APP.example.com", "127.0.0.1:8765"),
        ("https://app.example.com:443", "speech.example.com"),
        ("http://localhost:3000", "localhost:8765"),
        ("capacitor://localhost", "speech.example.com"),
    ],
)
def test_listed_pages_and_those_of_the_servers_own_address_may_connect(origin: str, authority: str) -> None:
    assert is_allowed(origin, authority, LISTED, keyed=False)


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        ("https://evil.example", "127.0.0.1:8765"),
        ("http://127.0.0.1:3000", "127.0.0.1:8765"),
        ("http://localhost:8765", "127.0.0.1:8765"),
        ("http://app.example.com", "127.0.0.1:8765"),
        ("https://app.example.com.evil.example", "127.0.0.1:8765"),
        ("https://evil.example/https://app.example.com", "127.0.0.1:8765"),
        ("http://127.0.0.1.evil.example:8765", "127.0.0.1.evil.example:8765"),
        ("null", "127.0.0.1:8765"),
        ("", ""),
        ("http://127.0.0.1:8765", "127.0.0.1:8765, 127.0.0.1"),
        ("http://127.0.0.1:8765", "\udcff"),
    ],
)
def test_other_pages_may_not(origin: str, authority: str) -> None:
    assert not is_allowed(origin, authority, LISTED, keyed=False)


def test_a_name_that_may_stand_for_any_address_is_trusted_only_where_a_key_is_needed_besides() -> None:
    assert not is_allowed("http://rebound.example:8765", "rebound.example:8765", (), keyed=False)
    assert is_allowed("http://speech.example:8765", "speech.example:8765", (), keyed=True)
    assert not is_allowed("http://evil.example:8765", "speech.example:8765", (), keyed=True)


def test_a_star_allows_every_page() -> None:
    assert is_allowed("null", "127.0.0.1", ("*",), keyed=False)
