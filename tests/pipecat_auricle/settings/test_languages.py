"""Languages in a pipeline: as Pipecat names them, changed in the running call, and refused without ending it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pipecat.frames.frames import ErrorFrame, STTUpdateSettingsFrame, TextFrame, TranscriptionFrame
from pipecat.transcriptions.language import Language

from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import Error
from auricle_server.checkpoints.languages import TRAINED
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.frames import language_of
from tests.support import tongues
from tests.support.adapters.pipecat_pipeline import Agent, pcm_frames, running
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final

Settings = AuricleSTTService.Settings


@pytest.mark.parametrize("code", TRAINED)
def test_every_language_that_a_model_can_name_has_a_name_in_pipecat(code: str) -> None:
    language = language_of(code)
    assert language is not None
    assert code in {language.value, f"{language.value}-AR"}  # Arabic of no region


async def test_a_frame_has_pipecats_name_of_the_language(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        session = await server.session()
        await session.send(replace(final("نعم", 0.4), language="ar-AR"))
        heard = await agent.down.wait_for(TranscriptionFrame)
    assert heard.language is Language.AR


async def test_a_refused_language_goes_back_to_the_last_that_the_server_understood(server: ScriptedServer) -> None:
    """de-AT falls back to de-DE on the server, so it was not the one that was refused."""
    stt = AuricleSTTService(url=server.url, settings=Settings(language=Language.EN_AU))
    async with running(stt) as agent:
        session = await server.session()
        for language in (Language.DE_AT, Language.TL):
            await agent.send(STTUpdateSettingsFrame(delta=Settings(language=language)))
            await session.next(Update)
        await session.send(Error(code="unsupported_language", fault="client", fatal=False, message="no tl"))
        await agent.up.wait_for(ErrorFrame)
    assert stt.start_message().language == "de-AT"


async def said(agent: Agent, words: str) -> TranscriptionFrame:
    """The transcript of a sentence whose end Pipecat's voice detection reports."""
    await agent.vad(speaking=True)
    await agent.send(*pcm_frames(tongues.speech(0.2, words, 0.3)))
    await agent.vad(speaking=False)
    return await agent.down.wait_for(TranscriptionFrame)


async def change(agent: Agent, language: str) -> None:
    behind = TextFrame("changed")
    await agent.send(STTUpdateSettingsFrame(delta=Settings(language=language)), behind)
    await agent.down.passed(behind)  # audio that comes faster than speech would overtake the change


async def test_the_language_changes_in_a_running_call_and_a_refusal_does_not_end_it() -> None:
    async with tongues.serving() as url:
        stt = AuricleSTTService(url=url, settings=Settings(language=Language.EN, latency_ms=160))
        async with running(stt) as agent:
            heard = [await said(agent, "it was on they")]
            await change(agent, Language.DE_CH)
            heard.append(await said(agent, "it was on they"))
            await change(agent, Language.SW)
            refusal = await agent.up.wait_for(ErrorFrame)
            heard.append(await said(agent, "for his"))
            await change(agent, "auto")
            heard.append(await said(agent, "that is with and"))
    assert "'sw'" in refusal.error
    assert ", ".join(tongues.LANGUAGES) in refusal.error
    assert [(frame.text, frame.language) for frame in heard] == [
        ("it was on the", Language.EN_US),
        ("it was on the", Language.DE_DE),
        ("for his", Language.DE_DE),
        ("that is with a", Language.EN_US),
    ]
