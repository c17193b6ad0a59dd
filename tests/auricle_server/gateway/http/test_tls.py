"""TLS: a private authority, certificates that are replaced or broken, and the connections that live through it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization

from auricle import ConnectionFailed, Final, connect
from auricle_server.config import ConfigError, ServerConfig
from auricle_server.gateway.http.tls import Certificate, certificate_of
from tests.auricle_server.gateway.conftest import Serve
from tests.support import tones
from tests.support.servers.authority import Authority, serial_number


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def configured(cert: Path, key: Path) -> dict[str, str]:
    return {"tls_cert": str(cert), "tls_key": str(key)}


async def test_a_client_that_trusts_the_authority_is_served(serve: Serve, authority: Authority) -> None:
    audio, text = tones.utterance(7, 4)
    async with serve(**configured(*authority.certificate())) as url:
        assert url.startswith("wss://127.0.0.1:")
        async with connect(url, ssl=authority.trusting) as stream:
            await stream.send(audio.astype("<i2").tobytes())
            await stream.end()
            assert " ".join([event.text async for event in stream if isinstance(event, Final) and event.text]) == text
        readiness = url.replace("wss", "https") + "/readyz"
        async with aiohttp.ClientSession() as http, http.get(readiness, ssl=authority.trusting) as answer:
            assert answer.status == 200


async def test_a_client_that_does_not_trust_it_is_told_so_once(serve: Serve, authority: Authority) -> None:
    async with serve(**configured(*authority.certificate())) as url:
        with pytest.raises(ConnectionFailed, match="certificate is not trusted") as refused:
            async with connect(url):
                pass
        assert (refused.value.reason, refused.value.permanent) == ("tls", True)


async def test_plain_requests_and_old_versions_get_nothing(serve: Serve, authority: Authority) -> None:
    old = authority.trusting
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serve(**configured(*authority.certificate())) as url, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get(url.replace("wss", "http") + "/healthz")
        with pytest.raises((aiohttp.ClientError, OSError)):
            await http.get(url.replace("wss", "https") + "/healthz", ssl=old)
        async with http.get(url.replace("wss", "https") + "/healthz", ssl=authority.trusting) as answer:
            assert answer.status == 200


async def test_new_connections_get_the_new_certificate_and_open_ones_live_on(
    authority: Authority, tmp_path: Path
) -> None:
    cert, key = authority.certificate()
    certificate = Certificate(cert, key)
    server = await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=certificate.context)
    async with server:
        url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=authority.trusting)
        old = await serial_number(url, authority.trusting)

        for file, blob in zip((cert, key), authority.certificate("renewed"), strict=True):
            file.write_bytes(blob.read_bytes())
        certificate.reload()
        new = await serial_number(url, authority.trusting)
        assert new != old

        # A renewal that is half done, or broken, changes nothing.
        for broken in (authority.certificate("other")[1].read_bytes(), b"", b"no key"):
            whole = key.read_bytes()
            key.write_bytes(broken)
            with pytest.raises(ConfigError, match="cannot use the TLS certificate in"):
                certificate.reload()
            assert await serial_number(url, authority.trusting) == new
            key.write_bytes(whole)
        key.unlink()
        with pytest.raises(ConfigError, match=f"cannot read the TLS file {key}"):
            certificate.reload()
        assert await serial_number(url, authority.trusting) == new

        writer.write(b"still there\n")
        assert await reader.readline() == b"still there\n"
        writer.close()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


def test_one_file_may_hold_both(authority: Authority, tmp_path: Path) -> None:
    cert, key = authority.certificate()
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    assert certificate_of(ServerConfig(tls_cert=str(both))) is not None
    assert certificate_of(ServerConfig()) is None


def test_a_key_with_a_password_is_an_error_and_no_question(authority: Authority) -> None:
    cert, key = authority.certificate()
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    protected = serialization.BestAvailableEncryption(b"secret")
    form = serialization.PrivateFormat.TraditionalOpenSSL
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, protected))
    with pytest.raises(ConfigError, match="a private key without a password"):
        Certificate(cert, key)


def test_files_that_are_none(authority: Authority, tmp_path: Path) -> None:
    cert, key = authority.certificate()
    for first, second in ((tmp_path / "missing", key), (cert, tmp_path / "missing"), (tmp_path, key)):
        with pytest.raises(ConfigError, match="cannot read the TLS file"):
            Certificate(first, second)
    for first, no_key in ((key, cert), (key, None), (cert, None)):
        with pytest.raises(ConfigError, match="cannot use the TLS certificate in"):
            Certificate(first, no_key)


async def half_tls(url: str, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(data)
    return reader, writer


async def test_half_a_handshake_takes_nothing_from_others(serve: Serve, authority: Authority) -> None:
    """As half a request does not (`listening/test_listener.py`); asyncio alone would not show such a connection."""
    audio, text = tones.utterance(7, 3)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    bounds = {"max_connections_per_address": 6, "header_seconds": 0.5}
    async with serve(**bounds, **configured(*authority.certificate())) as url:
        halves = [await half_tls(url, hello[: number % len(hello)]) for number in range(40)]
        async with connect(url, ssl=authority.trusting) as stream:
            await stream.send(audio.astype("<i2").tobytes())
            await stream.end()
            assert " ".join([event.text async for event in stream if isinstance(event, Final) and event.text]) == text
        for reader, writer in halves:
            with suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), 10)  # each has ended: displaced, or its time was up
            writer.transport.abort()
        garbage, writer = await half_tls(url, b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionError):
            await asyncio.wait_for(garbage.read(), 10)
        writer.transport.abort()
        address = url.replace("wss", "https") + "/metrics"
        async with aiohttp.ClientSession() as http, http.get(address, ssl=authority.trusting) as answer:
            metrics = await answer.text()
    for reason in ("crowded_address", "slow", "tls"):
        assert f'auricle_connections_closed_total{{reason="{reason}"}}' in metrics
    assert "auricle_connections_waiting 0.0" in metrics
