"""Turns as event handlers, as the hosted services have them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pipecat.frames.frames import TranscriptionFrame

from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import SpeechStarted
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.output import HANDLERS
from tests.support.adapters.pipecat_pipeline import running
from tests.support.scripted.script import PATIENCE
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import eager_end, final, interim, resumed, turn_end

Call = tuple[object, ...]


class Calls:
    """What the handlers of a service were called with."""

    def __init__(self, stt: AuricleSTTService) -> None:
        self._calls: asyncio.Queue[Call] = asyncio.Queue()
        self._stt = stt
        for name in HANDLERS:
            stt.add_event_handler(name, self._handler(name))

    def _handler(self, name: str) -> Callable[..., Awaitable[None]]:
        async def called(service: AuricleSTTService, *arguments: str) -> None:
            assert service is self._stt
            await self._calls.put((name, *arguments))

        return called

    async def next(self, count: int) -> list[Call]:
        async with asyncio.timeout(PATIENCE):
            return [await self._calls.get() for _ in range(count)]

    @property
    def none_left(self) -> bool:
        return self._calls.empty()


async def test_a_turn_calls_its_handlers_in_order(server: ScriptedServer) -> None:
    stt = AuricleSTTService(
        url=server.url, turn_detection="server", settings=AuricleSTTService.Settings(eager_silence_ms=200)
    )
    calls = Calls(stt)
    async with running(stt):
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("book a", 0.4))
        assert await calls.next(2) == [("on_speech_started",), ("on_start_of_turn", "book a")]
        await session.send(
            interim("book a table", 0.6), eager_end("book a table", 0.9), resumed(1.0), final("Book a table", 1.0)
        )
        await session.send(eager_end("Book a table for two.", 1.6), final("for two.", 1.4, at=1.9))
        await session.send(turn_end("Book a table for two.", 1.9))
        assert await calls.next(4) == [
            ("on_eager_end_of_turn", "book a table"),
            ("on_turn_resumed",),
            ("on_eager_end_of_turn", "Book a table for two."),
            ("on_end_of_turn", "Book a table for two."),
        ]
        await session.send(SpeechStarted(start=2.1), final("Thanks.", 2.4, at=2.9), turn_end("Thanks.", 2.9))
        assert await calls.next(3) == [
            ("on_speech_started",),
            ("on_start_of_turn", "Thanks."),
            ("on_end_of_turn", "Thanks."),
        ]
    assert calls.none_left


async def test_words_of_a_lost_stream_end_their_turn(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection="server")
    calls = Calls(stt)
    async with running(stt):
        session = await server.session()
        await session.send(SpeechStarted(start=0.1), interim("half a", 0.4))
        await calls.next(2)
        await session.fail("unsupported_language", "gone for good")
        assert await calls.next(1) == [("on_end_of_turn", "half a")]
    assert calls.none_left


async def test_turns_of_pipecat_call_no_handlers_of_the_service(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url)
    calls = Calls(stt)
    async with running(stt) as agent:
        session = await server.session()
        await agent.vad(speaking=True)
        await agent.speak(0.2)
        await agent.vad(speaking=False)
        await session.send(final("Hello.", 0.2, await session.next(Finalize)))
        await agent.down.wait_for(TranscriptionFrame)
    assert calls.none_left


@pytest.mark.parametrize("name", HANDLERS)
def test_each_handler_can_be_registered_by_its_decorator(server: ScriptedServer, name: str) -> None:
    stt = AuricleSTTService(url=server.url)
    event_handler = stt.event_handler(name)
    assert callable(event_handler)
