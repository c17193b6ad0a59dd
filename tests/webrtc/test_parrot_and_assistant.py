"""The examples that answer, run as programs and called over WebRTC."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from tests.webrtc.caller import Caller, Message, calling
from tests.webrtc.clips import Pcm, likeness, sentence, text_of
from tests.webrtc.openai_standin import OpenAIStandIn, openai_standin
from tests.webrtc.programs import example

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]


async def test_the_parrot_says_what_it_has_heard_and_stops_when_interrupted(auricle_url: str) -> None:
    pcm, text = sentence()
    async with example("pipecat_parrot.py", "--url", auricle_url) as parrot, calling(parrot.answer) as caller:
        await caller.microphone.say(pcm)
        heard = await turn(caller, 1)
        assert likeness(heard, text) > 0.8
        unbroken = await answer(caller, 1)
        assert said(caller) == heard
        assert likeness(await text_of(auricle_url, caller.heard()), heard) > 0.5

        await caller.microphone.say(pcm)
        broken, _ = await asyncio.gather(answer(caller, 2), interruption(caller, pcm))
        assert broken < unbroken * 0.7
        assert likeness(await turn(caller, 3), text) > 0.8


@pytest.mark.parametrize("eager", [False, True])
async def test_the_assistant_speaks_what_the_model_answers(auricle_url: str, eager: bool) -> None:
    pcm, text = sentence()
    reply = "You can fly on Friday morning."
    options = ["--url", auricle_url, *(["--eager", "160"] if eager else [])]
    async with openai_standin(reply) as api:
        environment = {"OPENAI_BASE_URL": api.url, "OPENAI_API_KEY": "none", "LLM_MODEL": "m", "TTS_MODEL": "t"}
        async with (
            example("pipecat_assistant.py", *options, environment=environment) as assistant,
            calling(assistant.answer) as caller,
        ):
            await caller.microphone.say(pcm)
            await answer(caller, 1)
            assert likeness(await text_of(auricle_url, caller.heard()), reply) > 0.5
    asked = [message["type"] for message in caller.messages].index("user-llm-text")
    settled = [final(message) for message in caller.messages].index(True)
    assert (asked < settled) is eager, "only an eager model is asked before the end of the turn is certain"
    assert likeness(said_last(api), text) > 0.8
    assert api.chats[-1]["model"] == "m"
    assert (api.speeches[-1]["model"], api.speeches[-1]["input"].strip()) == ("t", reply)
    assert len(api.chats) == len(api.speeches) == 1 or eager, "only a guess may be dropped"


async def answer(caller: Caller, number: int) -> float:
    """Waits for one of the bot's answers from its first sound to its last; returns the seconds between."""
    await caller.told("bot-started-speaking", times=number)
    start = caller.heard_seconds
    await caller.told("bot-stopped-speaking", times=number)
    return caller.heard_seconds - start


async def interruption(caller: Caller, pcm: Pcm) -> None:
    """Speaks once the bot speaks for the second time."""
    await caller.told("bot-started-speaking", times=2)
    await caller.microphone.say(pcm)


async def turn(caller: Caller, number: int) -> str:
    """The caller's turn as the bot understood it, once it is over."""
    data = await caller.told("user-llm-text", times=number)
    return str(data["text"])


def said(caller: Caller) -> str:
    """The bot's words, as it reports them."""
    return " ".join(data["text"].strip() for data in caller.of("bot-tts-text"))


def final(message: Message) -> bool:
    return message["type"] == "user-transcription" and bool(message["data"]["final"])


def said_last(api: OpenAIStandIn) -> str:
    """The user's words in what the model was asked last."""
    message = api.chats[-1]["messages"][-1]
    assert message["role"] == "user"
    return str(message["content"])
