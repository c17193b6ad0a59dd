"""Settings: complete from the start, changed in band, and never to what the server has not."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import ErrorFrame, STTUpdateSettingsFrame, TranscriptionFrame
from pipecat.services.settings import STTSettings
from pipecat.transcriptions.language import Language
from pipecat.utils.errors import ErrorCategory

from auricle.protocol.messages import Error, TurnSettings, Update
from pipecat_auricle import AuricleSTTService, AuricleSTTSettings
from tests.pipecat_auricle.harness import running
from tests.pipecat_auricle.scripted import ScriptedServer, final

Settings = AuricleSTTService.Settings


def test_settings_are_complete_from_the_start() -> None:
    stt = AuricleSTTService(settings=Settings(language=Language.DE_DE, latency_ms=160))
    assert stt.settings.given_fields() == {
        "model": None,
        "language": "de-DE",
        "latency_ms": 160,
        "silence_ms": 500,
        "keyterms": (),
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"settings": Settings(silence_ms=1)},
        {"settings": Settings(latency_ms=0)},
        {"settings": Settings(keyterms="Auricle")},
        {"turn_detection": "sometimes"},
        {"url": "ftp://example.com"},
    ],
)
def test_what_cannot_be_is_refused_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"silence_ms|latency_ms|keyterms|turn_detection|address"):
        AuricleSTTService(**wrong)  # type: ignore[arg-type]  # that is the point


async def test_the_stream_starts_with_the_settings(server: ScriptedServer) -> None:
    settings = Settings(language="auto", latency_ms=560, keyterms=["Auricle"])
    async with running(AuricleSTTService(url=server.url, settings=settings, sample_rate=8000)) as agent:
        start = (await server.session()).start
        assert (start.language, start.latency_ms, start.keyterms, start.sample_rate) == (
            "auto",
            560,
            ("Auricle",),
            8000,
        )
        assert agent.up.of(ErrorFrame) == []


async def test_an_update_goes_in_band_and_nothing_reconnects(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection="server")
    async with running(stt) as agent:
        session = await server.session()
        delta = Settings(language=Language.DE_DE, latency_ms=160, silence_ms=900, keyterms=["Zürich"])
        await agent.send(STTUpdateSettingsFrame(delta=delta))
        update = await session.next(Update)
        assert update == Update(160, "de-DE", TurnSettings("silence", 900), ("Zürich",))
        await agent.send(STTUpdateSettingsFrame(delta=STTSettings(language="en-US")))
        assert await session.next(Update) == Update(language="en-US")
        await session.send(final("still here", 0.4))
        await agent.down.wait_for(TranscriptionFrame)
        assert server.waiting_sessions == 0
    assert isinstance(stt.settings, AuricleSTTSettings)
    assert (stt.settings.language, stt.settings.latency_ms, stt.settings.silence_ms) == ("en-US", 160, 900)


@pytest.mark.parametrize(
    ("delta", "why"),
    [
        (Settings(latency_ms=99, language="de-DE"), "80, 160, 560"),
        (Settings(silence_ms=5), "silence_ms"),
        (Settings(language=None), "language"),
    ],
)
async def test_an_update_that_cannot_be_changes_nothing(server: ScriptedServer, delta: STTSettings, why: str) -> None:
    stt = AuricleSTTService(url=server.url, settings=Settings(language="en-US"))
    async with running(stt) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=delta))
        error = await agent.up.wait_for(ErrorFrame)
        await agent.send(STTUpdateSettingsFrame(delta=Settings(latency_ms=160)))
        assert await session.next(Update) == Update(latency_ms=160)
    assert why in error.error
    assert error.category is ErrorCategory.APPLICATION
    assert stt.is_usable
    assert stt.settings.language == "en-US"  # type: ignore[attr-defined]  # Pipecat types it as the base's settings


async def test_an_update_that_the_server_refuses_is_taken_back(server: ScriptedServer) -> None:
    """Else the next connection would start with it, and fail."""
    stt = AuricleSTTService(url=server.url, settings=Settings(language="en-US"))
    async with running(stt) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=Settings(language="tlh")))
        await session.next(Update)
        await session.send(Error(code="unsupported_language", fault="client", fatal=False, message="no Klingon"))
        error = await agent.up.wait_for(ErrorFrame)
    assert "no Klingon" in error.error
    assert error.category is ErrorCategory.APPLICATION
    assert stt.is_usable
    assert stt.start_message().language == "en-US"


async def test_the_model_is_the_servers(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=Settings(model="another", latency_ms=160)))
        assert await session.next(Update) == Update(latency_ms=160)
    assert stt.settings.model == "scripted-model"
