"""Settings change in band, and never to a value that the server does not have."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest
from pipecat.frames.frames import ErrorFrame, InputAudioRawFrame, STTUpdateSettingsFrame, TranscriptionFrame
from pipecat.services.settings import STTSettings
from pipecat.transcriptions.language import Language
from pipecat.utils.errors import ErrorCategory

from auricle import ReconnectPolicy
from auricle.protocol.client_messages import Update
from auricle.protocol.server_messages import Error
from auricle.protocol.settings import TextFormat, TurnSettings
from pipecat_auricle import AuricleSTTService, AuricleSTTSettings
from tests.support.adapters.pipecat_pipeline import running
from tests.support.scripted_server import ScriptedServer
from tests.support.server_events import final

Settings = AuricleSTTService.Settings


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


async def test_how_words_are_written_is_asked_for_and_changes_in_band(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, settings=Settings(text_format=TextFormat("smart")))
    async with running(stt) as agent:
        session = await server.session()
        assert session.start.text_format == TextFormat("smart")
        written = TextFormat("numerals", profanity_filter=True)
        await agent.send(STTUpdateSettingsFrame(delta=Settings(text_format=written)))
        assert (await session.next(Update)) == Update(text_format=written)


async def test_an_update_goes_in_band_and_nothing_reconnects(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, turn_detection="server")
    async with running(stt) as agent:
        session = await server.session()
        delta = Settings(language=Language.DE_DE, latency_ms=160, silence_ms=900, keyterms=["Zürich"])
        await agent.send(STTUpdateSettingsFrame(delta=delta))
        updates = [await session.next(Update) for _ in range(4)]
        assert updates == [
            Update(160),
            Update(language="de-DE"),
            Update(turn=TurnSettings("silence", 900)),
            Update(keyterms=("Zürich",)),
        ]
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
        (Settings(latency_ms="fast", language="de-DE"), "latency_ms"),  # type: ignore[arg-type]  # as all the wrong ones
        (Settings(latency_ms=-80), "latency_ms"),
        (Settings(latency_ms=True), "latency_ms"),
        (Settings(silence_ms=5), "silence_ms"),
        (Settings(silence_ms=None), "silence_ms"),  # type: ignore[arg-type]
        (Settings(silence_ms=300.5), "silence_ms"),  # type: ignore[arg-type]
        (Settings(eager_silence_ms=500), "eager_silence_ms"),  # not before the end of the turn
        (Settings(turn_mode="vad"), "turn_mode"),  # type: ignore[arg-type]
        (Settings(turn_mode=["silence"]), "turn_mode"),  # type: ignore[arg-type]
        (Settings(end_threshold=0), "end_threshold"),
        (Settings(end_threshold="high"), "end_threshold"),  # type: ignore[arg-type]
        (Settings(end_threshold=None), "end_threshold"),  # type: ignore[arg-type]
        (Settings(eager_threshold=0.75), "eager_threshold"),  # not before the end of the turn
        (Settings(eager_threshold=True), "eager_threshold"),
        (Settings(min_silence_ms=3_000), "min_silence_ms"),  # more than the most
        (Settings(max_silence_ms=60_000), "max_silence_ms"),
        (Settings(max_silence_ms=2_000.5), "max_silence_ms"),  # type: ignore[arg-type]
        (Settings(max_turn_seconds=0.5), "max_turn_seconds"),
        (Settings(max_turn_seconds="long"), "max_turn_seconds"),  # type: ignore[arg-type]
        (Settings(expect="words"), "expect"),  # type: ignore[arg-type]
        (Settings(expect=None), "expect"),  # type: ignore[arg-type]
        (Settings(no_words="yes"), "no_words"),  # type: ignore[arg-type]
        (Settings(refine="always"), "refine"),  # type: ignore[arg-type]
        (Settings(refine=None), "refine"),  # type: ignore[arg-type]
        (Settings(keyterms="Auricle"), "keyterms"),
        (Settings(keyterms=[1]), "keyterms"),  # type: ignore[list-item]
        (Settings(keyterms=None), "keyterms"),  # type: ignore[arg-type]
        (Settings(language=None), "language"),
        (Settings(language=7), "language"),  # type: ignore[arg-type]
        (Settings(silence_ms=5, extra={"colour": "red"}), "silence_ms"),
    ],
)
async def test_an_update_that_cannot_be_changes_nothing(server: ScriptedServer, delta: STTSettings, why: str) -> None:
    stt = AuricleSTTService(url=server.url, settings=Settings(language="en-US"))
    before = stt.settings.given_fields()
    async with running(stt) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=delta))
        error = await agent.up.wait_for(ErrorFrame)
        await agent.send(STTUpdateSettingsFrame(delta=Settings(latency_ms=160)))
        assert await session.next(Update) == Update(latency_ms=160)
    assert why in error.error
    assert error.category is ErrorCategory.APPLICATION
    assert stt.is_usable
    assert stt.settings.given_fields() == before | {"model": "scripted-model", "latency_ms": 160}


async def test_unknown_settings_are_passed_over_and_the_known_ones_taken(server: ScriptedServer) -> None:
    """They are those of another vendor's service, which this one has replaced."""
    stt = AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=Settings(extra={"punctuate": True})))
        await agent.send(STTUpdateSettingsFrame(delta=Settings(latency_ms=160, extra={"endpointing": 300})))
        await agent.send(STTUpdateSettingsFrame(delta=Settings(latency_ms=560)))
        assert await session.next(Update) == Update(latency_ms=160)
        assert await session.next(Update) == Update(latency_ms=560)
        assert [item for item in session.log if isinstance(item, Update)][2:] == []
    assert agent.up.of(ErrorFrame) == []


async def test_an_update_for_another_service_goes_on_to_it(server: ScriptedServer) -> None:
    stt, other = AuricleSTTService(url=server.url), AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        await server.session()
        frame = STTUpdateSettingsFrame(delta=Settings(latency_ms=160), service=other)
        await agent.send(frame)
        await agent.down.passed(frame)
    assert stt.start_message().latency_ms is None


async def test_what_is_changed_without_a_server_holds_for_the_first_stream() -> None:
    async with ScriptedServer() as early:
        port = int(early.url.rsplit(":", 1)[1])
    patient = ReconnectPolicy(attempts=1000, first_delay=0.01, max_delay=0.02)
    stt = AuricleSTTService(url=early.url, reconnect=patient)
    async with running(stt) as agent:
        await agent.up.wait_for(ErrorFrame)
        await agent.send(STTUpdateSettingsFrame(delta=Settings(latency_ms=560, language="de-DE")))
        await agent.speak(0.02)
        await agent.down.wait_for(InputAudioRawFrame)  # after the update
        async with ScriptedServer(port=port) as server:
            start = (await server.session()).start
            assert (start.latency_ms, start.language) == (560, "de-DE")
            await agent.worker.cancel()


async def test_an_update_tells_what_it_replaced(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url, settings=Settings(latency_ms=80))
    async with running(stt):
        await server.session()
        changed = await stt._update_settings(Settings(latency_ms=160, silence_ms=500, keyterms=["Auricle"]))
    assert changed == {"latency_ms": 80, "keyterms": ()}


@pytest.mark.parametrize(
    ("languages", "left"),
    [
        (["tlh"], "en-US"),
        (["de-DE", "tlh"], "de-DE"),
        (["tlh", "de-DE"], "de-DE"),
        (["tlh", "qya"], "en-US"),
    ],
)
async def test_an_update_that_the_server_refuses_is_taken_back(
    server: ScriptedServer, languages: list[str], left: str
) -> None:
    """Otherwise the next connection would start with it, and fail. Settings before and after it stay."""
    stt = AuricleSTTService(url=server.url, settings=Settings(language="en-US"))
    async with running(stt) as agent:
        session = await server.session()
        for language in languages:
            await agent.send(STTUpdateSettingsFrame(delta=Settings(language=language)))
            await session.next(Update)
        for language in {"tlh", "qya"} & set(languages):
            await session.send(
                Error(code="unsupported_language", fault="client", fatal=False, message=f"no {language}")
            )
            error = await agent.up.wait_for(ErrorFrame)
            assert f"no {language}" in error.error
            assert error.category is ErrorCategory.APPLICATION
    assert stt.is_usable
    assert stt.start_message().language == left


async def test_key_terms_that_the_server_refuses_are_taken_back(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=Settings(keyterms=["Auricle"])))
        assert await session.next(Update) == Update(keyterms=("Auricle",))
        await session.send(Error(code="unsupported_keyterms", fault="client", fatal=False, message="not this model"))
        await agent.up.wait_for(ErrorFrame)
    assert stt.start_message().keyterms == ()


async def test_more_key_terms_than_the_server_takes_change_nothing(server: ScriptedServer) -> None:
    """They are not sent: a server that cannot read so many would end the stream."""
    server.ready = replace(server.ready, limits=replace(server.ready.limits, keyterms=2, keyterm_characters=10))
    stt = AuricleSTTService(url=server.url, settings=Settings(keyterms=["one"]))
    async with running(stt) as agent:
        session = await server.session()
        for wrong in (["a", "b", "c"], ["much too long"]):
            await agent.send(STTUpdateSettingsFrame(delta=Settings(keyterms=wrong)))
            error = await agent.up.wait_for(ErrorFrame)
            assert "keyterms: the server takes 2 of at most 10 characters" in error.error
        await agent.send(STTUpdateSettingsFrame(delta=Settings(latency_ms=160)))
        assert await session.next(Update) == Update(latency_ms=160)
        assert session.log == [Update(latency_ms=160)]
    assert stt.start_message().keyterms == ("one",)


async def test_refused_key_terms_go_back_to_the_last_that_the_server_took(server: ScriptedServer) -> None:
    server.ready = replace(server.ready, limits=replace(server.ready.limits, keyterms=2, keyterm_characters=10))
    stt = AuricleSTTService(url=server.url, settings=Settings(keyterms=["one"]))
    async with running(stt) as agent:
        session = await server.session()
        with patch.object(stt._live_settings, "ready", None):  # as in a stream that is not open yet
            for keyterms in (["two"], ["a", "b", "c"]):
                await agent.send(STTUpdateSettingsFrame(delta=Settings(keyterms=keyterms)))
                assert (await session.next(Update)).keyterms == tuple(keyterms)
        await session.send(Error(code="invalid_keyterms", fault="client", fatal=False, message="2 is the most"))
        await agent.up.wait_for(ErrorFrame)
    assert stt.start_message().keyterms == ("two",)


async def test_the_model_is_the_servers(server: ScriptedServer) -> None:
    stt = AuricleSTTService(url=server.url)
    async with running(stt) as agent:
        session = await server.session()
        await agent.send(STTUpdateSettingsFrame(delta=Settings(model="another", latency_ms=160)))
        assert await session.next(Update) == Update(latency_ms=160)
    assert stt.settings.model == "scripted-model"
