"""A server with a port for clients of Riva."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.auricle_server.gateway.conftest import Serve
from tests.support.servers.riva import Stub, connected_stub, free_port


@pytest.fixture
async def stub(serve: Serve) -> AsyncIterator[Stub]:
    port = free_port()
    async with serve(riva_port=port), connected_stub(port) as stub:
        yield stub
