"""A server with the bundled English model for all tests of the JavaScript client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auricle_server.config import ServerConfig
from tests.support.servers.server_thread import serving_in_a_thread


@pytest.fixture(scope="session")
def auricle_url() -> Iterator[str]:
    """URL of the server, which runs in a thread of its own. Pages of any origin may use it."""
    with serving_in_a_thread(ServerConfig(max_load=0, allowed_origins=("*",))) as url:
        yield url
