"""The port for clients of Riva."""

from __future__ import annotations

import logging
from pathlib import Path

import grpc
import pytest

from auricle_server.config import ConfigError
from tests.auricle_server.gateway.conftest import Serve
from tests.support import tones
from tests.support.servers.authority import Authority
from tests.support.servers.riva import SERVICE, connected_stub, first, free_port, pieces

SHORT, SAID = tones.utterance(11, 3, trailing=0.1)


async def test_a_port_that_is_taken_is_named(serve: Serve) -> None:
    port = free_port()
    async with serve(riva_port=port):
        with pytest.raises(ConfigError, match=f"riva_port: cannot listen at 127.0.0.1:{port}"):
            async with serve(riva_port=port):
                pass


async def test_tls(serve: Serve, tmp_path: Path) -> None:
    port, authority = free_port(), Authority(tmp_path)
    cert, key = authority.certificate()
    trusted = tmp_path / "ca.pem"
    authority._authority.cert_pem.write_to_path(str(trusted))
    credentials = grpc.ssl_channel_credentials(trusted.read_bytes())
    async with serve(riva_port=port, tls_cert=str(cert), tls_key=str(key)):
        async with connected_stub(port, "key", credentials) as stub:
            results = await stub.say(first(), *pieces(SHORT))
        async with connected_stub(port) as stub:
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await stub.health()
    assert [result.alternatives[0].transcript for result in results] == [SAID]
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_recordings_beyond_the_limit_are_refused(serve: Serve) -> None:
    port = free_port()
    async with serve(riva_port=port, max_upload_mb=1), connected_stub(port) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.recognize(bytes(1_000_001))
        assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await stub.recognize(bytes(900_000), encoding=1)).results[:] == []


@pytest.mark.parametrize("before", [0, 1, 2], ids=["at first", "after the config", "within the audio"])
async def test_bytes_that_are_no_request_are_the_clients_fault(
    serve: Serve, before: int, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    async with serve(riva_port=port), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream(f"{SERVICE}/StreamingRecognize")(timeout=60)
        for request in [first(), *pieces(bytes(3_200))][:before]:
            await call.write(request.SerializeToString())
        await call.write(b"\xff")
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "a request is no nvidia.riva.asr.StreamingRecognizeRequest" in await call.details()
        for method in ("Recognize", "GetRivaSpeechRecognitionConfig"):
            unary = channel.unary_unary(f"{SERVICE}/{method}")(b"\xff", timeout=60)
            assert await unary.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
