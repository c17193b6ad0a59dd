"""A switcher whose strategy leaves errors to the application, or no switcher: the service does as it always does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import numpy as np
import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    InterimTranscriptionFrame,
    ManuallySwitchServiceFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.service_switcher import ServiceSwitcher, ServiceSwitcherStrategyManual

from auricle import ReconnectPolicy
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import pcm_frames, running
from tests.support.scripted.script import PATIENCE, Refusal
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final, interim

QUICK = ReconnectPolicy(attempts=3, first_delay=0.01, max_delay=0.02)
FULL = Refusal(503, retry_after="0")


@pytest.fixture
async def other() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


async def test_a_switch_that_comes_later_repeats_no_words(
    other: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was shown went down as final; what was said since then is handed over."""
    monkeypatch.setattr("pipecat_auricle.failover._SWITCH_SECONDS", 0.1)
    async with AsyncExitStack() as dying:
        server = await dying.enter_async_context(ScriptedServer())
        first = AuricleSTTService(url=server.url, failover="framework")
        second = AuricleSTTService(url=other.url)
        by_hand: ServiceSwitcher[ServiceSwitcherStrategyManual] = ServiceSwitcher([first, second])
        async with running(by_hand) as agent:
            session, next_session = await server.session(), await other.session()
            await agent.speak(0.4)
            await session.send(interim("half a", 0.38))
            await agent.down.wait_for(InterimTranscriptionFrame)
            await dying.aclose()
            assert (await agent.down.wait_for(TranscriptionFrame)).text == "half a"
            said = pcm_frames(np.ones(3200, np.int16))
            await agent.send(*said)
            await agent.down.passed(said[-1])
            await agent.send(ManuallySwitchServiceFrame(service=second))
            await next_session.until(lambda: next_session.seconds >= 0.18)
    assert next_session.seconds == pytest.approx(0.2)


async def test_a_switch_by_hand_leaves_the_outages_to_the_service(
    server: ScriptedServer, other: ScriptedServer
) -> None:
    """As outside of a switcher: a full server is tried again."""
    server.refusals = [FULL] * 6
    first, second = AuricleSTTService(url=server.url, reconnect=QUICK), AuricleSTTService(url=other.url)
    by_hand: ServiceSwitcher[ServiceSwitcherStrategyManual] = ServiceSwitcher([first, second])
    switched = asyncio.Event()
    by_hand.strategy.add_event_handler("on_service_switched", lambda _strategy, _service: switched.set())
    async with running(by_hand) as agent:
        session = await server.session()
        await session.send(final("Worth the wait.", 0.2))
        await agent.down.wait_for(TranscriptionFrame)
        await agent.send(ManuallySwitchServiceFrame(service=second))
        session = await other.session()
        async with asyncio.timeout(PATIENCE):
            await switched.wait()
        await agent.speak(0.4)
        await session.until(lambda: session.seconds >= 0.38)
    assert first.is_usable


async def test_the_mode_can_be_named(server: ScriptedServer) -> None:
    """Without a switcher too, for an application that changes services itself."""
    server.refusals = [FULL] * 1000
    stt = AuricleSTTService(url=server.url, failover="framework")
    async with running(stt) as agent:
        await agent.up.wait_for(ErrorFrame)
        assert not stt.is_usable
        server.refusals = []
        await stt.set_usable(True)
        await server.session()
    with pytest.raises(ValueError, match="failover: expected one of auto, service, framework, got 'none'"):
        AuricleSTTService(failover="none")  # type: ignore[arg-type]  # a value that is not one of them
