"""Listens for clients of Riva."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from auricle.protocol import codes
from auricle_server.config import ConfigError, ServerConfig
from auricle_server.gateway.dialects.riva.messages import (
    HEALTH,
    ConfigRequest,
    HealthRequest,
    RecognizeRequest,
    StreamingRequest,
)
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.http.riva.service import SERVICE, RivaService
from auricle_server.gateway.http.session_opener import GatewayParts
from auricle_server.gateway.http.tls import Certificate

log = logging.getLogger(__name__)

MAX_RECORDING_MB = 64
"""Largest recording in one request, which gRPC holds in memory while it arrives; larger ones go over HTTP."""
_MEGABYTE = 1_000_000
_MAX_CALLS = 1024
_PING_MS = 5_000
_LONGEST_DRAIN = 86_400.0


@asynccontextmanager
async def riva_listening(
    parts: GatewayParts, certificate: Certificate | None, *, reuse_port: bool = False
) -> AsyncIterator[Callable[[], None]]:
    """Serves clients of Riva inside the block. Yields what leaves the port, while open calls go on.

    Args:
        parts: Of the gateway.
        certificate: Of the server; None without TLS.
        reuse_port: Whether other gateways listen at the same port.

    Raises:
        ConfigError: The port cannot be used.
    """
    config = parts.config
    server = grpc.aio.server(options=_options(config, reuse_port=reuse_port), maximum_concurrent_rpcs=_MAX_CALLS)
    server.add_generic_rpc_handlers(_handlers(RivaService(parts)))
    host = f"[{config.host}]" if ":" in config.host else config.host
    try:
        bound = _bind(server, certificate, f"{host}:{config.riva_port}")
    except RuntimeError as error:
        raise ConfigError(f"riva_port: cannot listen at {host}:{config.riva_port}; take a free one") from error
    await server.start()
    log.info("listening for clients of Riva host=%s port=%d", config.host, bound)
    leaving: list[asyncio.Task[None]] = []
    try:
        # Calls end when the gateway has drained.
        yield lambda: leaving.append(asyncio.create_task(server.stop(_LONGEST_DRAIN)))
    finally:
        # The gateway has closed its streams.
        await server.stop(None)
        await asyncio.gather(*leaving)


def _bind(server: Any, certificate: Certificate | None, address: str) -> int:
    if certificate is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, _credentials(certificate))
    if not port:
        raise RuntimeError("gRPC has taken no port")
    return int(port)


def _credentials(certificate: Certificate) -> Any:
    """What new connections present: the certificate that was read last. gRPC asks for it in threads of its own."""

    def current() -> Any:
        return grpc.ssl_server_certificate_configuration([certificate.pem])

    return grpc.dynamic_ssl_server_credentials(current(), current)


def _options(config: ServerConfig, *, reuse_port: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", int(reuse_port)),
        ("grpc.max_receive_message_length", min(config.max_upload_mb, MAX_RECORDING_MB) * _MEGABYTE),
        # Clients may ask whether the server is there as often as the native protocol does.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _PING_MS),
    ]


def _handlers(service: RivaService) -> tuple[Any, Any]:
    def unary(method: Any, request: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(method, partial(_parse, request), _serialize)

    recognition = {
        "Recognize": unary(service.recognize, RecognizeRequest),
        "StreamingRecognize": grpc.stream_stream_rpc_method_handler(
            service.streaming_recognize, partial(_parse, StreamingRequest), _serialize
        ),
        "GetRivaSpeechRecognitionConfig": unary(service.get_config, ConfigRequest),
    }
    health = {
        "Check": unary(service.check_health, HealthRequest),
        "Watch": grpc.unary_stream_rpc_method_handler(service.watch_health, partial(_parse, HealthRequest), _serialize),
    }
    return (
        grpc.method_handlers_generic_handler(SERVICE, recognition),
        grpc.method_handlers_generic_handler(f"{HEALTH}.Health", health),
    )


def _parse(kind: Any, data: bytes) -> Any:
    """A request, or the refusal of what is none: an exception here gRPC would log as a fault of the server."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return BadRequest(f"a request is no {kind.DESCRIPTOR.full_name}", codes.UNKNOWN_MESSAGE)


def _serialize(message: Any) -> bytes:
    serialized: bytes = message.SerializeToString()
    return serialized
