"""The conversation as key terms, in a real pipeline with Pipecat's own context and aggregators."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMTextFrame,
    STTUpdateSettingsFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair

from auricle.protocol.client_messages import Update
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.conversation import ConversationTerms
from tests.support.adapters.pipecat_pipeline import Agent, running
from tests.support.scripted.script import READY
from tests.support.scripted.session import Session
from tests.support.scripted_server import ScriptedServer

Settings = AuricleSTTService.Settings
TAKES_TERMS = replace(READY, limits=replace(READY.limits, keyterms=5, keyterm_characters=20))


def context(*contents: object) -> LLMContext:
    return LLMContext([{"role": "user", "content": content} for content in contents])  # type: ignore[misc]


async def next_terms(agent: Agent, session: Session) -> tuple[str, ...] | None:
    """Of the next update, while the microphone goes on."""
    update = asyncio.create_task(session.next(Update))
    while not update.done():
        await agent.speak(0.02)
        await asyncio.wait([update], timeout=0.02)
    return update.result().keyterms


async def test_what_is_talked_about_becomes_key_terms(server: ScriptedServer) -> None:
    """After the user's own, which are never pushed out; and the list follows the conversation."""
    server.ready = TAKES_TERMS
    talk = LLMContext([{"role": "system", "content": "You answer for Brookfield Dental."}])
    pair = LLMContextAggregatorPair(talk)
    stt = AuricleSTTService(url=server.url, context=talk, settings=Settings(keyterms=["Gabapentin", "Delfino"]))
    async with running(stt, pair.user(), pair.assistant()) as agent:
        session = await server.session()
        assert session.start.keyterms == ("Gabapentin", "Delfino")
        assert await next_terms(agent, session) == ("Gabapentin", "Delfino", "Brookfield Dental")
        answer = "Shall I ask Dr. Nowak, Mrs. Okonkwo or Delfino?"
        await agent.send(LLMFullResponseStartFrame(), LLMTextFrame(answer), LLMFullResponseEndFrame())
        assert await next_terms(agent, session) == (
            "Gabapentin", "Delfino", "Nowak", "Okonkwo", "Brookfield Dental"
        )  # fmt: skip
    assert agent.up.of(ErrorFrame) == []


async def test_a_message_without_names_changes_nothing(server: ScriptedServer) -> None:
    server.ready = TAKES_TERMS
    talk = context("Hello there.")
    pair = LLMContextAggregatorPair(talk)
    async with running(AuricleSTTService(url=server.url, context=talk), pair.user()) as agent:
        session = await server.session()
        await agent.send(LLMMessagesAppendFrame([{"role": "user", "content": "Is Nowak in?"}]))
        assert await next_terms(agent, session) == ("Nowak",)
        await agent.send(LLMMessagesAppendFrame([{"role": "user", "content": "Or how can I help you?"}]))
        await agent.send(LLMMessagesAppendFrame([{"role": "user", "content": "Or is Okonkwo in?"}]))
        assert await next_terms(agent, session) == ("Okonkwo", "Nowak")


async def test_the_users_own_terms_may_change_in_between(server: ScriptedServer) -> None:
    server.ready = TAKES_TERMS
    async with running(AuricleSTTService(url=server.url, context=context("Is Nowak in?"))) as agent:
        session = await server.session()
        assert await next_terms(agent, session) == ("Nowak",)
        await agent.send(STTUpdateSettingsFrame(delta=Settings(keyterms=["Gabapentin"])))
        assert await next_terms(agent, session) == ("Gabapentin", "Nowak")


@pytest.mark.parametrize("keyterms", [0, 5])
async def test_a_server_without_key_terms_is_asked_for_none(server: ScriptedServer, keyterms: int) -> None:
    """Nor for a term that is longer than it takes; neither is an error of the application."""
    server.ready = replace(READY, limits=replace(READY.limits, keyterms=keyterms, keyterm_characters=20))
    server.takes_keyterms = keyterms > 0
    talk = context("Is Nowak in?", f"And what about Mr. X{'y' * 30}?")
    async with running(AuricleSTTService(url=server.url, context=talk)) as agent:
        session = await server.session()
        await agent.speak(0.1)
        await session.until(lambda: session.seconds >= 0.08)
    sent = [item.keyterms for item in session.received if isinstance(item, Update)]
    assert sent == ([("Nowak",)] if keyterms else [])
    assert agent.up.of(ErrorFrame) == []


def test_lists_come_at_the_servers_pace_and_the_newest_counts() -> None:
    talk = context("Is Nowak in?")
    terms = ConversationTerms(talk, 10)
    assert terms.is_due(100.0)
    for number in range(4):
        talk.add_message({"role": "assistant", "content": f"Or rather Okonkwo{'o' * number}?"})
        assert not terms.is_due(100.2 + number / 5)
    assert terms.is_due(101.0)
    assert terms.terms[0] == "Okonkwoooo"
    assert not terms.is_due(200.0)
    terms.connected()
    assert terms.is_due(300.0)


def test_texts_are_read_in_all_their_forms() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:Nowhere"}}
    talk = context("brookfield", [{"type": "text", "text": "Ask for Nowak."}, picture], None, 5)
    terms = ConversationTerms(talk, 10)
    assert terms.is_due(0.0)
    assert terms.terms == ("Nowak", "brookfield")


def test_the_first_message_and_the_last_count() -> None:
    """The first is the system's, and names the business."""
    names = ["Ask for Brookfield.", *[f"Ask for Nowak{chr(ord('a') + number)}." for number in range(24)]]
    terms = ConversationTerms(context(*names), 100)
    assert terms.is_due(0.0)
    assert len(terms.terms) == 21
    assert (terms.terms[0], terms.terms[-1]) == ("Nowakx", "Brookfield")


def test_no_context_gives_no_terms_and_a_negative_number_is_refused() -> None:
    terms = ConversationTerms(None, 10)
    assert (terms.is_due(0.0), terms.terms) == (False, ())
    with pytest.raises(ValueError, match="most: expected 0 or more"):
        AuricleSTTService(context_keyterms=-1)
