"""The state of a server of several gateways and workers: real processes, of which any answers for all."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from tests.auricle_server.gateway.http.routes.test_status_route import following, until_reading
from tests.auricle_server.raw_client import connected_client
from tests.auricle_server.serving.supervised import serving
from tests.support import tones

pytestmark = pytest.mark.slow
STREAMS = 6
"""The kernel gives each connection to either gateway."""


async def test_every_gateway_answers_for_all_gateways_and_workers() -> None:
    async with serving(slots=8, gateways=2, workers=2, max_load=0.0) as server, AsyncExitStack() as stack:
        found = [await stack.enter_async_context(following(server.url)) for _ in range(6)]
        for number in range(STREAMS):
            client = await stack.enter_async_context(connected_client(server.url))
            await client.start(latency_ms=80)
            await client.send_audio(tones.utterance(number + 1, 2)[0])
            await client.send(type="finalize", id="f")
            await client.event("final")
        for each in found:
            model = await until_reading(
                each, lambda model: model["streams"] == STREAMS and model["finalize_p50_ms"] is not None
            )
            assert (model["slots"], len(model["workers"])) == (16, 2)
            assert sum(worker["streams"] for worker in model["workers"]) == STREAMS
