"""Recognition biased by the conversation: what its last messages name is favoured."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from livekit.agents import ConversationItemAddedEvent, llm
from livekit.agents.stt import RecognizeStream
from livekit.plugins import auricle

from auricle.protocol import Update
from tests.support.adapters.livekit_session import EnergyVAD, listening
from tests.support.adapters.livekit_stream import FINAL, push, texts, transcribe, up_to
from tests.support.levels import LIMITS, audio, level_server
from tests.support.scripted_server import ScriptedServer

VAD: dict[str, Any] = {
    "vad": EnergyVAD(),
    "turn_handling": {"turn_detection": "vad", "endpointing": {"min_delay": 0.25}},
}


def sent(server: ScriptedServer) -> list[tuple[str, ...] | None]:
    return [item.keyterms for item in server.received if isinstance(item, Update)]


def say(stt: auricle.STT, text: str, role: Any = "assistant") -> None:
    stt._push_conversation_item(ConversationItemAddedEvent(item=llm.ChatMessage(role=role, content=[text])))


@asynccontextmanager
async def recognising(stt: auricle.STT) -> AsyncIterator[RecognizeStream]:
    async with stt.stream() as stream:
        await until_final(stream, "hello")
        yield stream


async def until_final(stream: RecognizeStream, words: str) -> None:
    push(stream, audio(words, 0.1))
    stream.flush()
    assert texts(await up_to(stream, FINAL)) == [words]


async def test_a_session_forwards_what_its_agent_says() -> None:
    async with level_server(takes_keyterms=True) as server:
        stt = auricle.STT(url=server.url, keyterms=["mine"])
        assert stt.capabilities.chat_context
        async with listening(audio("hello there", 1.0, "how are", 0.1), stt=stt, **VAD) as heard:
            await heard.until(lambda: bool(heard.turns))
            await heard.session.say("Is this about Brookfield, or about Okonkwo?", add_to_chat_ctx=True)
            await server.until(lambda: bool(sent(server)))
            await heard.until(lambda: " ".join(heard.turns) == "hello there how are")
            assert heard.errors == []
    assert sent(server)[0] == ("mine", "Brookfield", "Okonkwo")


async def test_a_session_that_does_not_want_it_forwards_nothing() -> None:
    async with level_server(takes_keyterms=True) as server:
        unwanted: dict[str, Any] = {"stt_context_options": {"forward_chat_context": False}}
        for stt, options in (
            (auricle.STT(url=server.url), unwanted),
            (auricle.STT(url=server.url, context_keyterms=0), {}),
        ):
            async with listening(audio("hello", 0.1), stt=stt, **VAD, **options) as heard:
                await heard.session.say("Is this about Brookfield, or about Okonkwo?", add_to_chat_ctx=True)
                await heard.until(lambda: bool(heard.turns))
    assert sent(server) == []
    assert not auricle.STT(context_keyterms=0).capabilities.chat_context
    with pytest.raises(ValueError, match="context_keyterms: expected 0 or more"):
        auricle.STT(context_keyterms=-1)


async def test_only_a_change_is_sent_and_at_a_pace() -> None:
    async with level_server(takes_keyterms=True) as server:
        stt = auricle.STT(url=server.url)
        async with recognising(stt) as stream:
            say(stt, "Is this about Brookfield?")
            for number in range(50):
                say(stt, f"Yes, Brookfield, and Okonkwo{'abcde'[number % 5]}.", "user")
            await server.until(lambda: len(sent(server)) == 2)
            await until_final(stream, "there")
            await stt.aclose()
    first, last = sent(server)
    assert first == ("Brookfield",)
    assert last is not None
    assert set(last) == {"Brookfield", *(f"Okonkwo{letter}" for letter in "abcde")}


async def test_the_users_and_the_sessions_come_first_and_are_not_pushed_out() -> None:
    limits = replace(LIMITS, keyterms=3, keyterm_characters=10)
    async with level_server(takes_keyterms=True, limits=limits) as server:
        stt = auricle.STT(url=server.url, keyterms=["mine"])
        async with recognising(stt) as stream:
            stt._update_session_keyterms(["theirs"])
            say(stt, "Ask for Llanfairpwllgwyngyll, or for Brookfield and Okonkwo.")
            await server.until(lambda: len(sent(server)) == 2)
            await until_final(stream, "there")
        await transcribe(stt, audio("hello"))
        await stt.aclose()
    assert sent(server) == [("mine", "theirs"), ("mine", "theirs", "Brookfield"), ("mine", "theirs", "Brookfield")]


async def test_a_server_without_key_terms_is_asked_once_and_nobody_is_warned(caplog: pytest.LogCaptureFixture) -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        async with recognising(stt) as stream:
            say(stt, "Is this about Brookfield?")
            await server.until(lambda: bool(sent(server)))
            await until_final(stream, "there")
            assert not stt.capabilities.chat_context
            say(stt, "Or about Okonkwo?")
            await until_final(stream, "how")
        await stt.aclose()
    assert sent(server) == [("Brookfield",)]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_is_no_message_says_nothing() -> None:
    stt = auricle.STT()
    stt._push_conversation_item(ConversationItemAddedEvent(item=llm.ChatMessage(role="user", content=[])))
    stt._push_conversation_item(ConversationItemAddedEvent(item=llm.AgentHandoff(new_agent_id="second")))
    assert stt._service.context_keyterms == ()
    await asyncio.sleep(0)
