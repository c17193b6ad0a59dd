"""The address, the key and the proxy where the caller leaves them to the environment, in real connections."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

import auricle
from auricle import AuricleClient, ConnectionFailed, Refused
from auricle.environment import api_key_of, proxy_of, server_urls
from tests.support.bursts import START, burst_server
from tests.support.servers.forward_proxy import ForwardProxy

ELSEWHERE = "ws://127.0.0.1:1"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def test_the_address_and_the_key_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with burst_server(key="sesame") as server:
        monkeypatch.setenv("AURICLE_URL", server.url)
        monkeypatch.setenv("AURICLE_API_KEY", "sesame")
        async with auricle.connect(start=START) as stream:
            assert stream.url.startswith(server.url)


async def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_URL", ELSEWHERE)
    monkeypatch.setenv("AURICLE_API_KEY", "wrong")
    async with burst_server(key="sesame") as server:
        async with auricle.connect(server.url, start=START, api_key="sesame") as stream:
            assert stream.ready.session == "1"
        # An empty key sends none, whatever the variable says.
        with pytest.raises(Refused):
            async with auricle.connect(server.url, start=START, api_key=""):
                pass
    assert "Authorization" not in server.headers[-1]


async def test_several_addresses_have_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async with burst_server() as server:
        monkeypatch.setenv("AURICLE_URL", f"{ELSEWHERE},{server.url}")
        async with AuricleClient() as client, await client.open(START) as stream:
            assert stream.url.startswith(server.url)


def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_URL", "")
    monkeypatch.setenv("AURICLE_API_KEY", "")
    assert server_urls() == ("ws://127.0.0.1:8765/v1/stream",)
    assert api_key_of() is None


@pytest.mark.parametrize(
    "bad",
    [
        " ws://host:8765",
        "ws://host:8765 ",
        "ws://host:8765\n",
        "\tws://host:8765",
        "ws://ho st:8765",
        "ws://host:8765\u00a0",
        "ws://host:8765\u200b",
    ],
)
def test_blanks_around_an_address_are_an_error_that_names_where_it_is(
    bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"^url: the address has blanks or line breaks"):
        AuricleClient(bad)
    with pytest.raises(ValueError, match=r"^url: the address has blanks"):
        AuricleClient([ELSEWHERE, bad])
    with pytest.raises(ValueError, match=r"^base_url: the address has blanks"):
        server_urls(base_url=bad)
    monkeypatch.setenv("AURICLE_URL", f"{ELSEWHERE},{bad}")
    with pytest.raises(ValueError, match=r"^AURICLE_URL: the address has blanks"):
        AuricleClient()


@pytest.mark.parametrize("bad", ["ws://host:99999", "ws://host:port", "ws://[::1", "ws://host:0", "host:8765"])
def test_what_is_no_address_is_named_with_its_variable(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^url: expected an address like ws://host:8765"):
        AuricleClient(bad)
    monkeypatch.setenv("AURICLE_URL", bad)
    with pytest.raises(ValueError, match=r"^AURICLE_URL: expected an address like ws://host:8765"):
        AuricleClient()


@pytest.mark.parametrize("bad", [" sesame", "sesame\n", "ses\r\name", "sesame\u00a0"])
def test_blanks_around_a_key_are_an_error_without_the_key(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^api_key: the key has blanks") as caught:
        AuricleClient(ELSEWHERE, api_key=bad)
    assert "ses" not in str(caught.value)
    monkeypatch.setenv("AURICLE_API_KEY", bad)
    with pytest.raises(ValueError, match=r"^AURICLE_API_KEY: the key has blanks"):
        AuricleClient(ELSEWHERE)


def test_url_and_its_alias_are_one_option() -> None:
    assert server_urls(base_url="http://host") == ("ws://host/v1/stream",)
    with pytest.raises(ValueError, match="base_url: another name of url"):
        server_urls("ws://host", "ws://host")


def test_a_key_and_a_user_in_the_address_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="user name"):
        AuricleClient("ws://user:password@host", api_key="sesame")


# --- proxies ---------------------------------------------------------------------------------------------------------


def contexts(certificate: tuple[Path, Path]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of the server, and of a client that trusts it."""
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(*certificate)
    return served, ssl.create_default_context(cafile=str(certificate[0]))


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_the_proxy_of_the_environment_is_used_when_asked(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with burst_server() as server, ForwardProxy().running() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        async with auricle.connect(server.url, start=START):
            assert proxy.requests == []  # not asked for
        async with auricle.connect(server.url, start=START, trust_env=True) as stream:
            assert stream.ready.session == "2"
    [request] = proxy.requests
    assert request.startswith(f"GET {server.url.replace('ws', 'http')}/v1/stream")


async def test_tls_goes_through_the_proxy_of_https(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    served, trusting = contexts(certificate)
    async with burst_server(tls=served) as server, ForwardProxy("user:pass word").running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", ELSEWHERE)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:pass%20word@"))
        async with auricle.connect(server.url, start=START, trust_env=True, ssl=trusting) as stream:
            assert stream.ready.session == "1"
    assert proxy.requests == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]


async def test_a_proxy_that_refuses_or_is_gone_is_named(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    served, trusting = contexts(certificate)
    async with burst_server(tls=served) as server, ForwardProxy("user:word").running() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(ConnectionFailed, match=r"the proxy did not open a connection .*407") as refused:
            async with auricle.connect(server.url, start=START, trust_env=True, ssl=trusting):
                pass
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        with pytest.raises(ConnectionFailed, match="no proxy answers") as gone:
            async with auricle.connect(server.url, start=START, trust_env=True, ssl=trusting):
                pass
    assert (refused.value.permanent, gone.value.permanent) == (True, False)


def test_hosts_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    monkeypatch.setenv("NO_PROXY", "10.0.0.2,.internal,host:8765")
    assert proxy_of("wss://example.com/v1/stream") == "http://proxy:3128"
    for url in (
        "wss://10.0.0.2:1",
        "wss://gpu.internal",
        "wss://host:8765",
        "wss://user@host:8765",
        "ws://example.com",
    ):
        assert proxy_of(url) is None
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy_of("wss://example.com/v1/stream") is None


def test_a_proxy_of_another_kind_is_an_error_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://user:sesame@host:1080")
    with pytest.raises(ValueError, match=r"^ALL_PROXY: expected a proxy like http://") as caught:
        AuricleClient("ws://host", trust_env=True)
    assert "sesame" not in str(caught.value)
    AuricleClient("ws://host")
