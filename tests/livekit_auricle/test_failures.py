"""What happens to a call when the server, the network or this very plugin fails."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, APITimeoutError
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.plugins import auricle

from auricle import ConnectionFailed, Final, ReconnectPolicy, Start, Stream, StreamEvent, TurnSettings, connect
from auricle.protocol import codes
from livekit.plugins.auricle._events import SpeechEvents
from livekit.plugins.auricle._stream import talking
from tests.livekit_auricle.harness import EnergyVAD, frames, listening
from tests.livekit_auricle.scripted_server import Behaviour, serve
from tests.livekit_auricle.spoken import audio
from tests.livekit_auricle.test_stream import END, FINAL, START, collect, push, texts, transcribe, up_to

VAD_TURNS: dict[str, Any] = {"turn_detection": "vad", "endpointing": {"min_delay": 0.25}}
QUICK = ReconnectPolicy(first_delay=0.02, jitter=0.0)
NEVER = ReconnectPolicy(attempts=0)
ONCE = APIConnectOptions(max_retry=0)
PROMPT = APIConnectOptions(max_retry=3, retry_interval=0.05)


def gather_errors(stt: auricle.STT) -> list[Any]:
    errors: list[Any] = []
    stt.on("error", errors.append)
    return errors


async def test_a_cut_connection_costs_no_word_and_doubles_none() -> None:
    speech = audio(0.1, "hello there how", 0.1)
    async with (
        serve(Behaviour(cut_at=[0.6])) as server,
        listening(
            speech, stt=auricle.STT(url=server.url, reconnect=QUICK), vad=EnergyVAD(), turn_handling=VAD_TURNS
        ) as heard,
    ):
        await heard.until(lambda: bool(heard.turns))
        assert not heard.closed
    assert len(server.starts) == 2
    assert heard.finals == heard.turns == ["hello there how"]
    assert [error.recoverable for error in heard.errors] == [True]


async def test_a_turn_of_the_servers_ends_although_the_connection_was_cut_in_it() -> None:
    async with (
        serve(Behaviour(cut_at=[0.6])) as server,
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
        serve(Behaviour(refusals=[503, 502])) as server,
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


async def test_a_mistake_in_the_plugin_itself_does_not_leave_the_session_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    translate, calls = SpeechEvents.of, iter([True])

    def stumble_once(self: SpeechEvents, event: Any) -> Any:
        if next(calls, False):
            raise KeyError("a mistake")
        return translate(self, event)

    monkeypatch.setattr(SpeechEvents, "of", stumble_once)
    async with (
        serve() as server,
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
    async with serve(Behaviour(refusals=[401])) as server:
        stt = auricle.STT(url=server.url)
        errors = gather_errors(stt)
        with pytest.raises(APIStatusError) as refusal:
            await transcribe(stt, audio(0.1))
    assert (refusal.value.status_code, refusal.value.retryable) == (401, False)
    assert [error.recoverable for error in errors] == [False]
    assert len(server.headers) == 1


@pytest.mark.parametrize(
    ("behaviour", "kind", "retryable"),
    [
        (Behaviour(refusals=[503]), APIStatusError, True),
        (Behaviour(refusals=[403]), APIStatusError, False),
        (Behaviour(cut_at=[0.0]), APIConnectionError, True),
        (Behaviour(fail_at=[(0.0, codes.INTERNAL)]), APIStatusError, True),
        (Behaviour(fail_at=[(0.0, codes.BAD_AUDIO)]), APIStatusError, False),
        (Behaviour(mute=True), APITimeoutError, True),
    ],
)
async def test_failures_are_api_errors(behaviour: Behaviour, kind: type[APIError], retryable: bool) -> None:
    options = APIConnectOptions(max_retry=0, timeout=0.2 if behaviour.mute else 10.0)
    async with serve(behaviour) as server:
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


async def test_words_that_were_shown_become_final_when_the_client_gives_up_and_times_go_on() -> None:
    async with serve(Behaviour(fail_at=[(0.58, codes.INTERNAL)])) as server:
        stt = auricle.STT(url=server.url, reconnect=NEVER)
        errors = gather_errors(stt)
        async with stt.stream(conn_options=PROMPT) as stream:
            stream.start_time_offset = 3.0
            push(stream, audio(0.1, "hello there", 0.1))
            lost = await up_to(stream, FINAL)
            push(stream, audio(0.1, "good bye"))
            stream.end_input()
            events = await collect(stream)
    assert [event.alternatives[0].text for event in lost][-2:] == ["hello there", "hello there"]
    assert [error.recoverable for error in errors] == [True]
    assert texts(events) == ["good bye"]
    word = (events[-1].alternatives[0].words or [])[0]
    assert word.start_time == pytest.approx(3.0 + 0.6 + 0.1, abs=0.03)


async def test_what_came_before_a_failure_of_the_sending_half_is_heard() -> None:
    failed = asyncio.Event()
    heard: list[StreamEvent] = []

    async def talk(stream: Stream) -> None:
        await stream.send(audio("hello").samples.tobytes())
        await stream.finalize()
        while not any(isinstance(event, Final) for event in stream._pump.mailbox._events):  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0.01)
        failed.set()
        raise ConnectionFailed("lost", "as scripted")

    async def converse(stream: Stream) -> None:
        async with talking(stream, talk(stream)):
            await failed.wait()
            heard.extend([event async for event in stream])

    async with serve() as server, connect(server.url, start=Start(turn=TurnSettings(mode="off"))) as stream:
        with pytest.raises(ConnectionFailed):
            await converse(stream)
    assert [event.text for event in heard if isinstance(event, Final)] == ["hello"]


async def test_a_flush_that_was_on_its_way_is_answered_when_the_client_gives_up() -> None:
    async with (
        serve(Behaviour(fail_at=[(0.3, codes.INTERNAL)])) as server,
        auricle.STT(url=server.url, reconnect=NEVER).stream(conn_options=PROMPT) as stream,
    ):
        push(stream, audio(0.4))
        stream.flush()
        answer = await up_to(stream, FINAL)
        push(stream, audio("hello"))
        stream.end_input()
        events = await collect(stream)
    assert texts(answer) == [""]
    assert texts(events) == ["hello"]


@pytest.mark.parametrize("code", [codes.IDLE_TIMEOUT, codes.STREAM_TOO_LONG])
async def test_a_long_mute_and_a_long_call_are_no_errors(code: str) -> None:
    async with serve(Behaviour(fail_at=[(0.3, code)])) as server:
        stt = auricle.STT(url=server.url, reconnect=QUICK)
        errors = gather_errors(stt)
        async with stt.stream() as stream:
            push(stream, audio(0.3))
            await server.left.wait()
            push(stream, audio("hello"))
            stream.end_input()
            assert texts(await collect(stream)) == ["hello"]
    assert not errors
    assert len(server.starts) == 2


async def test_a_turn_that_was_open_when_the_client_gave_up_is_ended() -> None:
    async with serve(Behaviour(fail_at=[(0.58, codes.INTERNAL)])) as server:
        stt = auricle.STT(url=server.url, reconnect=NEVER, turn_detection="server")
        async with stt.stream(conn_options=PROMPT) as stream:
            push(stream, audio(0.1, "hello there", 0.1))
            events = await up_to(stream, END)
    kinds = [event.type for event in events]
    assert kinds[0] is START
    assert kinds[-2:] == [FINAL, END]
    assert events[-1].speech_end_time == events[-2].speech_end_time


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
