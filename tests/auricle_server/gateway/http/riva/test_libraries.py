"""What is said where the extra is not installed."""

from __future__ import annotations

import pytest

from auricle_server.config import ConfigError
from auricle_server.gateway.http.riva import libraries
from tests.auricle_server.gateway.conftest import Serve
from tests.support.servers.riva import free_port


async def test_absent_libraries_are_named(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    libraries.check_riva()
    monkeypatch.setattr(libraries, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="riva_port: grpcio and protobuf are not installed"):
        async with serve(riva_port=free_port()):
            pass
