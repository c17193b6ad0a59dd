"""What happens to a call when the server, the network or the plugin fails."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, APITimeoutError
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.plugins import auricle

from auricle import Final, ReconnectPolicy, Start, Stream, StreamEvent, TurnSettings, connect
from auricle.protocol import codes
from livekit.plugins.auricle._events import SpeechEvents
from livekit.plugins.auricle._sending import sending
from tests.support.adapters.livekit_session import EnergyVAD, frames, listening
from tests.support.adapters.livekit_stream import collect, push, texts, transcribe
from tests.support.levels import audio, level_server
from tests.support.scripted.script import Fault, Refusal
from tests.support.scripted_server import ScriptedServer

VAD_TURNS: dict[str, Any] = {"turn_detection": "vad", "endpointing": {"min_delay": 0.25}}
QUICK = ReconnectPolicy(first_delay=0.02, jitter=0.0)
NEVER = ReconnectPolicy(attempts=0)
ONCE = APIConnectOptions(max_retry=0)
PROMPT = APIConnectOptions(max_retry=3, retry_interval=0.05)


def silent_server() -> ScriptedServer:
    """A server that answers no start."""
    server = level_server()
    server.answering.clear()
    return server


def gather_errors(stt: auricle.STT) -> list[Any]:
    errors: list[Any] = []
    stt.on("error", errors.append)
    return errors


async def test_a_turn_of_the_servers_ends_although_the_connection_was_cut_in_it() -> None:
    async with (
        level_server(faults=[Fault("abort", seconds=0.6)]) as server,
        listening(
            audio(0.1, "hello there how", 0.1),
            stt=auricle.STT(url=server.url, reconnect=QUICK, turn_detection="server", silence_ms=300),
            vad=None,
            turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}},
        ) as heard,
    ):
        await heard.until(lambda: bool(heard.turns))
    assert heard.turns == ["hello there how"]
    assert heard.states == ["speaking", "listening"]


async def test_a_server_that_is_full_or_starting_is_asked_again_and_nothing_said_is_lost() -> None:
    async with (
        level_server(refusals=[Refusal(503), Refusal(502)]) as server,
        listening(
            audio("hello there", 0.3),
            stt=auricle.STT(url=server.url),
            vad=EnergyVAD(),
            turn_handling=VAD_TURNS,
            conn_options=SessionConnectOptions(stt_conn_options=PROMPT),
        ) as heard,
    ):
        await heard.until(lambda: bool(heard.turns))
    assert heard.turns == ["hello there"]
    assert [error.recoverable for error in heard.errors] == [True, True]


async def test_an_outage_that_outlasts_livekits_patience_ends_no_call() -> None:
    """LiveKit would end this call at the first failure; the plugin reconnects without it."""
    speech = audio(0.1, "hello there how are", 0.1)
    async with (
        level_server(faults=[Fault("abort", seconds=0.6)]) as server,
        listening(
            speech,
            stt=auricle.STT(url=server.url, reconnect=QUICK),
            vad=EnergyVAD(),
            turn_handling=VAD_TURNS,
            conn_options=SessionConnectOptions(stt_conn_options=ONCE, max_unrecoverable_errors=0),
        ) as heard,
    ):
        await heard.until(lambda: bool(heard.interims))
        server.refusals = [Refusal(503)] * 5
        await heard.until(lambda: bool(heard.turns))
        assert not heard.closed
    assert heard.turns == ["hello there how are"]
    assert len(heard.errors) == 6
    assert all(error.recoverable for error in heard.errors)


async def test_a_mistake_in_the_plugin_itself_does_not_leave_the_session_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    translate, calls = SpeechEvents.of, iter([True])

    def stumble_once(self: SpeechEvents, event: Any) -> Any:
        if next(calls, False):
            raise KeyError("a mistake")
        return translate(self, event)

    monkeypatch.setattr(SpeechEvents, "of", stumble_once)
    async with (
        level_server() as server,
        listening(
            audio("hello there", 0.5, "how", 0.1),
            stt=auricle.STT(url=server.url),
            vad=EnergyVAD(),
            turn_handling=VAD_TURNS,
        ) as heard,
    ):
        await heard.until(lambda: "how" in heard.turns)
    assert [type(error.error) for error in heard.errors] == [APIConnectionError]


async def test_a_refusal_is_not_tried_again() -> None:
    async with level_server(refusals=[Refusal(401)]) as server:
        stt = auricle.STT(url=server.url)
        errors = gather_errors(stt)
        with pytest.raises(APIStatusError) as refusal:
            await transcribe(stt, audio(0.1))
    assert (refusal.value.status_code, refusal.value.retryable) == (401, False)
    assert [error.recoverable for error in errors] == [False]
    assert len(server.headers) == 1


@pytest.mark.parametrize(
    ("failing", "kind", "retryable"),
    [
        (level_server(refusals=[Refusal(503)]), APIStatusError, True),
        (level_server(refusals=[Refusal(403)]), APIStatusError, False),
        (level_server(faults=[Fault("abort", seconds=0.0)]), APIConnectionError, True),
        (level_server(faults=[Fault("fail", seconds=0.0, code=codes.INTERNAL)]), APIStatusError, True),
        (level_server(faults=[Fault("fail", seconds=0.0, code=codes.BAD_AUDIO)]), APIStatusError, False),
        (silent_server(), APITimeoutError, True),
    ],
)
async def test_failures_are_api_errors(failing: ScriptedServer, kind: type[APIError], retryable: bool) -> None:
    options = APIConnectOptions(max_retry=0, timeout=10.0 if failing.answering.is_set() else 0.2)
    async with failing as server:
        stt = auricle.STT(url=server.url, reconnect=NEVER)
        async with stt.stream(conn_options=options) as stream:
            push(stream, audio(0.1))
            with pytest.raises(kind) as failure:
                await collect(stream)
        assert failure.value.retryable is retryable
        assert type(failure.value) is kind


async def test_nobody_at_the_address_is_an_api_error_of_recognize_too() -> None:
    stt = auricle.STT(url="ws://127.0.0.1:1")
    with pytest.raises(APIConnectionError):
        await stt.recognize(frames(audio(0.1)), conn_options=ONCE)


async def test_what_came_before_a_failure_of_the_sending_half_is_heard() -> None:
    heard: list[StreamEvent] = []
    answered = asyncio.Event()

    async def talk(stream: Stream) -> None:
        await stream.send(audio("hello").samples.tobytes())
        await stream.finalize()
        await answered.wait()
        raise KeyError("as scripted")

    async def converse(stream: Stream) -> None:
        async with sending(stream, talk(stream)):
            async for event in stream:
                heard.append(event)
                if isinstance(event, Final):
                    answered.set()

    async with level_server() as server, connect(server.url, start=Start(turn=TurnSettings(mode="off"))) as stream:
        with pytest.raises(KeyError):
            await converse(stream)
    assert [event.text for event in heard if isinstance(event, Final)] == ["hello"]


@pytest.mark.parametrize("code", [codes.IDLE_TIMEOUT, codes.STREAM_TOO_LONG])
async def test_a_long_mute_and_a_long_call_are_no_errors(code: str) -> None:
    async with level_server(faults=[Fault("fail", seconds=0.3, code=code)]) as server:
        stt = auricle.STT(url=server.url, reconnect=QUICK)
        errors = gather_errors(stt)
        async with stt.stream() as stream:
            push(stream, audio(0.3))
            await server.until(lambda: server.closed_sockets > 0)
            push(stream, audio("hello"))
            stream.end_input()
            assert texts(await collect(stream)) == ["hello"]
    assert not errors
    assert len(server.starts) == 2


async def test_a_session_whose_server_is_gone_ends_as_the_framework_says() -> None:
    began = time.perf_counter()
    async with listening(
        audio(0.1),
        stt=auricle.STT(url="ws://127.0.0.1:1"),
        vad=EnergyVAD(),
        turn_handling=VAD_TURNS,
        conn_options=SessionConnectOptions(stt_conn_options=ONCE, max_unrecoverable_errors=1),
    ) as heard:
        await heard.until(lambda: heard.closed)
    assert {type(error.error) for error in heard.errors} == {APIConnectionError}
    assert time.perf_counter() - began < 5.0
