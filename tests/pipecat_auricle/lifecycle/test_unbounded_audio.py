"""What can be sent now is sent: the bound on audio is for outages."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import ErrorFrame, InputAudioRawFrame, TranscriptionFrame

from auricle import ReconnectPolicy
from auricle.protocol.client_messages import Finalize
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import running
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final


@pytest.mark.parametrize("seconds", [0.0, 0.01, 5.0])
async def test_a_service_that_keeps_nothing_for_an_outage_hears_all_the_same(
    server: ScriptedServer, seconds: float
) -> None:
    stt = AuricleSTTService(url=server.url, reconnect=ReconnectPolicy(replay_seconds=seconds))
    async with running(stt) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        for _ in range(20):
            await agent.speak(0.5)
        await agent.vad(speaking=False)
        finalize = await session.next(Finalize)
        assert session.seconds == pytest.approx(10.0)
        await session.send(final("All of it.", 9.0, finalize, at=10.0))
        await agent.down.wait_for(TranscriptionFrame)
    assert agent.up.of(ErrorFrame) == []


@pytest.mark.parametrize("answer_timeout", [5.0, None])
async def test_a_frame_longer_than_the_bound_is_sent_and_so_is_what_follows(
    server: ScriptedServer, answer_timeout: float | None
) -> None:
    stt = AuricleSTTService(url=server.url, answer_timeout=answer_timeout)
    async with running(stt) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.send(InputAudioRawFrame(audio=bytes(69 * 32_000), sample_rate=16_000, num_channels=1))
        await agent.speak(1.0)
        await agent.vad(speaking=False)
        await session.next(Finalize)
        assert session.seconds == pytest.approx(70.0)


async def test_without_a_bound_for_outages_an_outage_costs_what_was_said_in_it(server: ScriptedServer) -> None:
    """Nothing less, nothing more: what is said after it is heard."""
    policy = ReconnectPolicy(replay_seconds=0.0, first_delay=0.01, max_delay=0.02, attempts=1000)
    async with running(AuricleSTTService(url=server.url, reconnect=policy)) as agent:
        first = await server.session()
        await agent.speak(1.0)
        await first.until(lambda: first.seconds >= 0.9)
        first.cut()
        second = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(1.0)
        await agent.vad(speaking=False)
        await second.next(Finalize)
        assert second.seconds >= 0.9
