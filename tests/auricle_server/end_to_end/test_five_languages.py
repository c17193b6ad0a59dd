"""The bundled multilingual model through a real server: five languages at once, found out, told, and changed midway."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.stt import SpeechEventType
from pipecat.frames.frames import InputAudioRawFrame, STTUpdateSettingsFrame, TextFrame, TranscriptionFrame
from pipecat.transcriptions.language import Language

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim
from auricle.protocol.settings import TurnSettings
from auricle_server.bench.transcripts import word_errors
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from demo_model.audio.voices import SAMPLE_RATE, EspeakVoice
from demo_model.texts.sentences import normalise
from livekit.plugins.auricle import STT
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import Pcm, pcm_frames, running

MODEL = "demo-multilingual"
SAID = {
    "en-US": ("en-US", "I would like to book a table for four people on Saturday."),
    "es-ES": ("es", "Quisiera reservar una mesa para cuatro personas a las ocho."),
    "fr-FR": ("fr", "Je voudrais réserver une table pour quatre personnes à midi."),
    "de-DE": ("de", "Ich möchte am Samstag einen Termin bei dem Zahnarzt."),
    "it-IT": ("it", "Vorrei prenotare un tavolo per quattro persone alle otto."),
}
PIPECAT = {"es-ES": Language.ES_ES, "de-DE": Language.DE_DE, "it-IT": Language.IT_IT, "fr-FR": Language.FR_FR}
OFF = TurnSettings(mode="off")


@pytest.fixture(scope="module")
def spoken() -> dict[str, Pcm]:
    """A sentence in each language, with silence around it."""
    silence = np.zeros(SAMPLE_RATE // 2, np.float32)
    made = {}
    for code, (voice, text) in SAID.items():
        audio = EspeakVoice(voice).render([text], random.Random(5))[0].audio
        made[code] = (np.concatenate([silence, 0.5 * audio, silence, silence]) * 32767).astype(np.int16)
    return made


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve_locally(ServerConfig(model=MODEL, max_load=0)) as url:
        yield url


def wrong_words(code: str, heard: str) -> float:
    """Share of the sentence's words."""
    reference = normalise(SAID[code][1]).split()
    return word_errors(reference, normalise(heard).split()) / len(reference)


def says(code: str, frame: TranscriptionFrame) -> bool:
    return wrong_words(code, frame.text) <= 0.6


async def hear(url: str, pcm: Pcm, language: str) -> list[Interim | Final]:
    async with auricle.connect(url, start=Start(latency_ms=160, language=language, turn=OFF)) as stream:
        await stream.send(pcm.tobytes())
        await stream.end()
        return [event async for event in stream if isinstance(event, Interim | Final)]


async def test_five_languages_at_once_are_found_out_and_written(url: str, spoken: dict[str, Pcm]) -> None:
    heard = await asyncio.gather(*(hear(url, pcm, "auto") for pcm in spoken.values()))
    for code, events in zip(spoken, heard, strict=True):
        final = events[-1]
        assert isinstance(final, Final)
        assert final.language == code
        assert "<" not in final.text
        assert wrong_words(code, final.text) <= 0.5
    together = [events[-1].text for events in heard]
    alone = [(await hear(url, pcm, "auto"))[-1].text for pcm in spoken.values()]
    assert together == alone


async def test_what_was_told_is_on_every_event(url: str, spoken: dict[str, Pcm]) -> None:
    heard = await asyncio.gather(*(hear(url, pcm, code[:2]) for code, pcm in spoken.items()))
    for code, events in zip(spoken, heard, strict=True):
        assert {event.language for event in events} == {code}
        assert wrong_words(code, events[-1].text) <= 0.5


async def test_a_stream_that_finds_out_says_when_the_language_changes(url: str, spoken: dict[str, Pcm]) -> None:
    first, second = spoken["de-DE"], spoken["es-ES"]
    final = (await hear(url, np.concatenate([first, second]), "auto"))[-1]
    assert isinstance(final, Final)
    assert final.language == "es-ES"
    assert [span.language for span in final.languages] == ["de-DE", "es-ES"]
    assert abs(final.languages[1].start - len(first) / SAMPLE_RATE) < 1.5


async def test_the_client_changes_the_language_in_mid_stream(url: str, spoken: dict[str, Pcm]) -> None:
    async with auricle.connect(url, start=Start(latency_ms=160, language="it", turn=OFF)) as stream:
        await stream.send(spoken["it-IT"].tobytes())
        await stream.finalize()
        await stream.update(language="fr")
        await stream.send(spoken["fr-FR"].tobytes())
        await stream.end()
        finals = [event async for event in stream if isinstance(event, Final) and event.text]
    assert [final.language for final in finals] == ["it-IT", "fr-FR"]
    assert all(wrong_words(final.language, final.text) <= 0.5 for final in finals)


async def test_pipecat_changes_the_language_in_a_running_call(url: str, spoken: dict[str, Pcm]) -> None:
    settings = AuricleSTTService.Settings(language=Language.DE, latency_ms=160, silence_ms=400)
    stt = AuricleSTTService(url=url, turn_detection="server", settings=settings)
    async with running(stt) as agent:
        for code, change in (("de-DE", None), ("es-ES", Language.ES), ("it-IT", "auto")):
            if change is not None:
                behind = TextFrame("changed")
                await agent.send(STTUpdateSettingsFrame(delta=AuricleSTTService.Settings(language=change)), behind)
                await agent.down.passed(behind)  # audio that comes faster than speech would overtake the change
            await agent.send(*pcm_frames(spoken[code]))
            frame = await agent.down.wait_for(TranscriptionFrame, partial(says, code))
            assert frame.language == PIPECAT[code]
    assert agent.down.of(InputAudioRawFrame)


async def test_livekit_changes_the_language_in_a_running_session(url: str, spoken: dict[str, Pcm]) -> None:
    stt = STT(url=url, language="fr", latency_ms=160, turn_detection="server", silence_ms=400)
    stream = stt.stream()
    for code, change in (("fr-FR", None), ("de-DE", "de"), ("es-ES", "auto")):
        if change is not None:
            stt.update_options(language=change)
        pcm = spoken[code]
        for at in range(0, len(pcm), SAMPLE_RATE // 50):
            piece = pcm[at : at + SAMPLE_RATE // 50]
            stream.push_frame(rtc.AudioFrame(piece.tobytes(), SAMPLE_RATE, 1, len(piece)))
        async for event in stream:
            if event.type == SpeechEventType.FINAL_TRANSCRIPT and event.alternatives[0].text:
                break
        data = event.alternatives[0]
        assert wrong_words(code, data.text) <= 0.6
        assert data.language == code
    await stream.aclose()
    await stt.aclose()
