"""Looks for what the port for clients of Riva needs, without importing it."""

from __future__ import annotations

from importlib.util import find_spec

from auricle_server.config import ConfigError


def check_riva() -> None:
    """Looks for the libraries of the extra ``[riva]``.

    Raises:
        ConfigError: One is not installed.
    """
    if not all(map(find_spec, ("grpc", "google", "google.protobuf"))):
        raise ConfigError("riva_port: grpcio and protobuf are not installed; pip install '.[server,riva]'")
