"""Tokens of a server of several gateways: real processes, of which any makes them and any accepts them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.auricle_server.gateway.http.routes.test_token_route import opens
from tests.auricle_server.gateway.http.routes.token_client import page, token_of
from tests.auricle_server.gateway.keys.test_access import KeysFile, secret
from tests.auricle_server.raw_client import connected_client, until
from tests.auricle_server.serving.supervised import serving

pytestmark = pytest.mark.slow
KEY = secret("page")
TRIES = 12
"""The kernel gives each connection to either gateway: one in 2,048 that all go to the same."""


async def test_every_gateway_accepts_the_tokens_of_every_other_and_counts_their_streams(tmp_path: Path) -> None:
    keys = KeysFile(tmp_path)
    keys.add("page")
    async with serving(keys_file=keys.path, slots=8, gateways=2, max_load=0.0, resume_seconds=0) as server:
        tokens = [await token_of(server.url, KEY, max_streams=1, expires_in=600) for _ in range(TRIES)]
        assert [await opens(server.url, page(token)) for token in tokens] == [101] * TRIES
        async with connected_client(server.url, **page(tokens[0])) as client:
            await client.start()
            assert [await opens(server.url, page(tokens[0])) for _ in range(TRIES)] == [429] * TRIES
        os.kill(server.pids("gateway-0")[0], signal.SIGKILL)
        await server.until_pids("gateway-0", 2)
        await until(lambda: _opens(server.url, tokens[1]), 120)
        # The gateway that follows one that died accepts what the dead one has made.
        assert [await opens(server.url, page(token)) for token in tokens[1:]] == [101] * (TRIES - 1)


async def _opens(url: str, token: str) -> bool:
    try:
        return all([await opens(url, page(token)) == 101 for _ in range(4)])
    except OSError:
        return False
