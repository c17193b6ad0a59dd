"""A server with the bundled English model for all the calls of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aioice.ice import get_host_addresses

from auricle_server.config import ServerConfig
from tests.support.servers.server_thread import serving_in_a_thread


@pytest.fixture(scope="session", autouse=True)
def _address() -> None:
    if not get_host_addresses(use_ipv4=True, use_ipv6=False):
        pytest.skip("WebRTC needs a network interface beside the loopback; its traffic stays on this machine")


@pytest.fixture(scope="session")
def auricle_url() -> Iterator[str]:
    """URL of the server, which runs in a thread of its own, so that a busy call does not delay it."""
    with serving_in_a_thread(ServerConfig(max_load=0)) as url:
        yield url
