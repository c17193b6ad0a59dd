"""Options, changed while streams are running."""

from __future__ import annotations

import pytest
from livekit.agents import NOT_GIVEN
from livekit.plugins import auricle

from auricle import ReconnectPolicy, TextFormat
from auricle.protocol import AudioReceived, TurnSettings, Update
from tests.support.adapters.livekit_stream import FINAL, collect, push, texts, transcribe, up_to
from tests.support.levels import audio, level_server
from tests.support.scripted.script import Fault


async def test_options_reach_live_streams_in_band_and_later_ones_from_the_start() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server", silence_ms=300)
        async with stt.stream() as stream:
            push(stream, audio(0.2, "hello"))
            stt.update_options(language="de-DE", latency_ms=560, silence_ms=900)
            push(stream, audio(0.5))
            stream.end_input()
            events = await collect(stream)
        await transcribe(stt, audio(0.1))
    updates = [said for said in server.received if isinstance(said, Update)]
    assert updates == [Update(latency_ms=560), Update(language="de-DE"), Update(turn=server.starts[1].turn)]
    at = server.received.index(updates[0])
    before = sum(len(item.pcm) for item in server.received[:at] if isinstance(item, AudioReceived))
    assert before == 0.4 * 16_000 * 2
    assert len(server.starts) == 2
    assert (server.starts[1].language, server.starts[1].latency_ms) == ("de-DE", 560)
    assert server.starts[1].turn.silence_ms == 900
    assert texts(events) == ["hello"]


async def test_a_dictation_is_asked_for_in_the_running_call() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server")
        async with stt.stream() as stream:
            push(stream, audio(0.2, "hello"))
            stt.update_options(expect="digits", max_turn_seconds=20.0)
            push(stream, audio(0.5))
            stream.end_input()
            await collect(stream)
    (update,) = (said for said in server.received if isinstance(said, Update))
    turn = TurnSettings("silence", max_turn_seconds=20.0, expect="digits")
    assert update == Update(turn=turn)


async def test_how_words_are_written_is_asked_for_and_changes_in_the_running_call() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, text_format=TextFormat("smart"))
        async with stt.stream() as stream:
            push(stream, audio("hello", 0.1))
            stream.flush()
            await up_to(stream, FINAL)
            stt.update_options(text_format=TextFormat("numerals"))
            push(stream, audio(0.5))
            stream.end_input()
            await collect(stream)
        assert stt.options.text_format == TextFormat("numerals")
    assert server.starts[0].text_format == TextFormat("smart")
    updates = [said for said in server.received if isinstance(said, Update)]
    assert updates == [Update(text_format=TextFormat("numerals"))]


async def test_options_that_the_server_does_not_offer_are_refused_where_they_are_set() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        await transcribe(stt, audio(0.1))
        with pytest.raises(ValueError, match="language: the server offers en-US, de-DE, auto, not fr-FR"):
            stt.update_options(language="fr-FR")
        with pytest.raises(ValueError, match="latency_ms"):
            stt.update_options(latency_ms=90)
        with pytest.raises(ValueError, match="latency_ms: expected a whole number"):
            stt.update_options(latency_ms=160.0)  # type: ignore[arg-type]  # the server would end the stream for it
    assert stt.options.language is None
    with pytest.raises(ValueError, match="silence_ms"):
        stt.update_options(silence_ms=1)
    with pytest.raises(ValueError, match="latency_ms: cannot go back to the server's default"):
        stt.update_options(latency_ms=None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no option volume"):
        stt.update_options(volume=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="turn_detection"):
        auricle.STT(turn_detection="vad")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected an address like ws://"):
        auricle.STT(url="localhost")


async def test_an_option_that_the_server_cannot_follow_changes_nothing() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        stream = stt.stream()
        stt.update_options(language="xx")  # the server's offer is not known yet
        push(stream, audio("hello"))
        stream.end_input()
        assert texts(await collect(stream)) == ["hello"]
        await stream.aclose()


async def test_one_participants_options_leave_the_others_alone() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server")
        async with stt.stream() as first, stt.stream() as second:
            for stream in (first, second):
                push(stream, audio("hello", 0.1))
                stream.flush()
                await up_to(stream, FINAL)
            first.update_options(language="de", silence_ms=900, keyterms=NOT_GIVEN)
            push(first, audio("there"))
            first.end_input()
            second.end_input()
            assert texts(await collect(first)) == ["there"]
            with pytest.raises(ValueError, match="language: the server offers"):
                second.update_options(language="fr")
            with pytest.raises(TypeError, match="no option url"):
                second.update_options(url="ws://elsewhere")  # type: ignore[call-arg]
    changed, unchanged = server.sessions
    [language, turn] = [item for item in changed.received if isinstance(item, Update)]
    assert language == Update(language="de")
    assert turn.turn is not None
    assert turn.turn.silence_ms == 900
    assert not [item for item in unchanged.received if isinstance(item, Update)]
    assert (stt.options.language, stt.options.silence_ms) == (None, 500)


async def test_a_server_that_owes_a_final_is_given_up_after_the_time_that_is_asked_for() -> None:
    async with level_server(faults=[Fault("stall", after=2)]) as server:
        stt = auricle.STT(url=server.url, answer_timeout=0.4, reconnect=ReconnectPolicy(first_delay=0.02))
        async with stt.stream() as stream:
            push(stream, audio("hello", 0.1))
            stream.flush()
            assert texts(await up_to(stream, FINAL)) == ["hello"]
    assert len(server.sessions) == 2


async def test_longest_turns_and_dictation_pass_through() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, turn_detection="server", max_turn_seconds=20.0, expect="digits")
        async with stt.stream() as stream:
            push(stream, audio("hello", 0.1))
            stream.flush()
            await up_to(stream, FINAL)
            stt.update_options(max_turn_seconds=None, expect="letters")
            stream.end_input()
            await collect(stream)
    (start,), [update] = server.starts, [said for said in server.received if isinstance(said, Update)]
    assert (start.turn.mode, start.turn.max_turn_seconds, start.turn.expect) == ("silence", 20.0, "digits")
    assert update.turn is not None
    assert (update.turn.max_turn_seconds, update.turn.expect) == (None, "letters")
