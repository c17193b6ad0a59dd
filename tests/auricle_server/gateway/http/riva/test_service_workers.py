"""A recording whose worker dies."""

from __future__ import annotations

import asyncio

from auricle_server.gateway.dialects.riva import messages
from tests.auricle_server.fake_engine import FakeEngine, speech
from tests.auricle_server.gateway.worker_bench import bench
from tests.auricle_server.raw_client import until
from tests.support.servers.riva import connected_stub, free_port

SPEECH = speech(*(["one", None] * 40))


async def test_a_recording_begins_anew_with_another_worker() -> None:
    port = free_port()
    async with bench(FakeEngine(step_seconds=0.02), max_load=0.0, riva_port=port) as table:
        async with connected_stub(port) as stub:
            # The stand-in engine has no offline lane.
            latency = messages.message_type("Entry")(key="latency_ms", value="160")
            asked = asyncio.create_task(
                stub.recognize(SPEECH, custom_configuration=[latency], verbatim_transcripts=True)
            )
            await until(lambda: table.engines[0].steps >= 5)
            assert not asked.done()
            await table.stop(0)
            await table.until_readiness(503)
            table.start(0)
            response = await asyncio.wait_for(asked, 60)
        text = " ".join(result.alternatives[0].transcript for result in response.results)
        assert text.split() == ["one"] * 40
