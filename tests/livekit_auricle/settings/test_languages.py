"""Languages in LiveKit: their names in options, changes in running streams, and codes in events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from livekit.agents import LanguageCode
from livekit.agents.stt import SpeechData
from livekit.plugins import auricle

from auricle.protocol import Final, LanguageSpan, Update
from livekit.plugins.auricle._audio import AudioClock
from livekit.plugins.auricle._events import SpeechEvents, joined
from tests.support import tongues
from tests.support.adapters.livekit_session import frames
from tests.support.adapters.livekit_stream import FINAL, collect, push, texts, transcribe, up_to
from tests.support.levels import Audio, audio, level_server

MIXED = Final(
    text="ja yes yes da",
    start=1.0,
    end=6.0,
    language="en-US",
    settled=6.0,
    languages=(LanguageSpan("de-DE", 1.0), LanguageSpan("en-US", 1.4), LanguageSpan("ru-RU", 4.0)),
)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, None),
        ({"language": "german"}, "de"),
        ({"language": "pt_br"}, "pt-BR"),
        ({"detect_language": True}, "auto"),
        ({"detect_language": True, "language": "auto"}, "auto"),
        ({"detect_language": False, "language": "de"}, "de"),
        ({"detect_language": False}, None),
    ],
)
async def test_a_language_is_asked_for_in_any_of_livekits_ways(asked: dict[str, Any], said: str | None) -> None:
    async with level_server() as server:
        await transcribe(auricle.STT(url=server.url, **asked), audio(0.1))
    assert server.starts[0].language == said


async def test_it_is_changed_in_any_of_them() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        await transcribe(stt, audio(0.1))
        async with stt.stream() as stream:
            push(stream, audio(0.1, "hello"))
            stt.update_options(language="german")
            stt.update_options(detect_language=True)
            stt.update_options(language="en_AU")
            stt.update_options(detect_language=False, language="de-CH")
            stream.end_input()
            assert texts(await collect(stream)) == ["hello"]
    updates = [said.language for said in server.received if isinstance(said, Update)]
    assert updates == ["de", "auto", "en-AU", "de-CH"]
    assert stt.options.language == "de-CH"


@pytest.mark.parametrize(
    "asked",
    [{"detect_language": True, "language": "de"}, {"detect_language": False}, {"language": "french"}],
)
async def test_what_contradicts_itself_or_is_not_offered_changes_nothing(asked: dict[str, Any]) -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, language="de")
        await transcribe(stt, audio(0.1))
        with pytest.raises(ValueError, match="language: "):
            stt.update_options(**asked)
    assert stt.options.language == "de"


def test_detection_contradicts_a_language() -> None:
    with pytest.raises(ValueError, match="detect_language: contradicts language='de'"):
        auricle.STT(detect_language=True, language="de")


def test_a_final_of_several_languages_lists_them_by_prevalence() -> None:
    speech = SpeechEvents(AudioClock(), server_turns=False)
    data = speech.transcript(MIXED)
    assert data.language == "en-US"
    assert data.source_languages == [LanguageCode(code) for code in ("en-US", "ru-RU", "de-DE")]
    plain = speech.transcript(replace(MIXED, languages=()))
    assert (plain.language, plain.source_languages) == ("en-US", None)


def test_words_whose_language_nobody_has_named_add_none_to_the_list() -> None:
    """They come where the caller named the language in mid-segment, and the model had not until then."""
    spans = (LanguageSpan("auto", 1.0), LanguageSpan("de-DE", 1.4), LanguageSpan("ru-RU", 4.0))
    speech = SpeechEvents(AudioClock(), server_turns=False)
    data = speech.transcript(replace(MIXED, language="de-DE", languages=spans))
    assert data.source_languages == [LanguageCode("de-DE"), LanguageCode("ru-RU")]
    assert speech.transcript(replace(MIXED, language="auto", languages=spans[:2])).source_languages is None


def test_recognize_has_the_languages_of_all_segments_the_longest_first() -> None:
    short = SpeechData(LanguageCode("de-DE"), "ja", start_time=0.0, end_time=0.5, confidence=0.5)
    longer = SpeechData(LanguageCode("en-US"), "yes yes", start_time=1.0, end_time=2.0, confidence=0.5)
    data = joined([short, longer])
    assert (data.text, data.start_time, data.end_time) == ("ja yes yes", 0.0, 2.0)
    assert (data.language, data.source_languages) == ("en-US", [LanguageCode("en-US"), LanguageCode("de-DE")])
    assert joined([longer]).source_languages is None


def test_recognize_weighs_confidence_by_words() -> None:
    """It is the share of them that is expected to be right."""
    one = SpeechData(LanguageCode("en-US"), "yes", confidence=0.2)
    four = SpeechData(LanguageCode("en-US"), "it was on time", confidence=1.0)
    assert joined([one, four]).confidence == pytest.approx(0.84)
    assert joined([SpeechData(LanguageCode("en-US"), "")]).confidence == 0.0


def test_recognize_names_no_language_for_a_segment_whose_language_is_not_known() -> None:
    """The model names a language after a sentence: the first words of a file may have none."""
    nameless = SpeechData(LanguageCode(""), "so well then", start_time=0.0, end_time=3.0, confidence=0.5)
    named = SpeechData(LanguageCode("de-DE"), "ja", start_time=3.5, end_time=4.0, confidence=0.5)
    data = joined([nameless, named])
    assert (data.text, data.language, data.source_languages) == ("so well then ja", "de-DE", None)
    assert joined([nameless]).language == ""


def tones(*parts: float | str) -> Audio:
    return Audio(tongues.speech(*parts), 16_000, ())


async def test_the_language_changes_in_a_running_stream() -> None:
    async with tongues.serving() as url:
        stt = auricle.STT(url=url, language="english", latency_ms=160)
        heard = []
        async with stt.stream() as stream:
            for language in (None, "german", "auto"):
                if language is not None:
                    stt.update_options(language=language)
                push(stream, tones(0.2, "it was on they", 0.3))
                stream.flush()
                heard.append((await up_to(stream, FINAL))[-1].alternatives[0])
            with pytest.raises(ValueError, match=f"language: the server offers {', '.join(tongues.LANGUAGES)}, not sw"):
                stt.update_options(language="sw")
            push(stream, tones(0.2, "that is with and", 0.3))
            stream.flush()
            heard.append((await up_to(stream, FINAL))[-1].alternatives[0])
        both = await stt.recognize(frames(tones(0.2, "it was on they", 0.4, "that is with and", 0.4)))
    assert [(data.text, data.language) for data in heard] == [
        ("it was on the", "en-US"),
        ("it was on the", "de-DE"),
        ("it was on the", "de-DE"),
        ("that is with a", "en-US"),
    ]
    assert both.alternatives[0].source_languages is not None
    assert set(both.alternatives[0].source_languages) == {"de-DE", "en-US"}


# --- the model's default, and several languages ----------------------------------------------------------------------


async def test_no_language_goes_back_to_the_default() -> None:
    async with level_server(languages=("auto", "en-US", "de-DE")) as server:
        stt = auricle.STT(url=server.url, language="de")
        async with stt.stream() as stream:
            push(stream, audio("hello", 0.1))
            stream.flush()
            await up_to(stream, FINAL)
            stt.update_options(language=None)
            push(stream, audio("there", 0.1))
            stream.update_options(language="en")
            stream.end_input()
            assert texts(await collect(stream)) == ["there"]
        await transcribe(stt, audio(0.1))
    assert [said.language for said in server.received if isinstance(said, Update)] == ["auto", "en"]
    assert [start.language for start in server.starts] == ["de", None]


async def test_a_change_back_before_the_first_connection_is_the_start() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, language="de")
        async with stt.stream() as stream:
            stt.update_options(language=None)
            push(stream, audio("hello"))
            stream.end_input()
            assert texts(await collect(stream)) == ["hello"]
    assert server.starts[0].language is None


@pytest.mark.parametrize(
    ("languages", "said"),
    [
        (["english", "de_DE"], "auto"),
        (["german"], "de"),
        (["en", "auto"], "auto"),
        (("de", "de"), "de"),
        ([], None),
        (None, None),
    ],
)
async def test_several_languages_are_detected_and_one_is_asked_for(languages: Any, said: str | None) -> None:
    async with level_server() as server:
        await transcribe(auricle.STT(url=server.url, languages=languages), audio(0.1))
    assert server.starts[0].language == said


def test_events_name_the_languages_that_may_be_spoken_and_no_other() -> None:
    speech = SpeechEvents(AudioClock(), server_turns=False, languages=("german", "en"))
    named = [speech.transcript(replace(MIXED, language=code)).language for code in ("ru-RU", "en-GB", "auto", "ru-RU")]
    assert named == ["de", "en-GB", "en-GB", "en-GB"]
    sources = speech.transcript(MIXED).source_languages
    assert sources == [LanguageCode("en-US"), LanguageCode("de-DE")]


async def test_several_languages_change_in_band_and_exclude_one() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, language="de")
        async with stt.stream() as stream:
            push(stream, audio("hello", 0.1))
            stream.flush()
            await up_to(stream, FINAL)
            stt.update_options(languages=["en", "de"])
            assert (stt.options.language, stt.options.languages) == (None, ("en", "de"))
            stt.update_options(language="de")
            assert (stt.options.language, stt.options.languages) == ("de", ())
            with pytest.raises(ValueError, match="languages: the server offers en-US, de-DE, auto, not fr"):
                stt.update_options(languages=["en", "fr"])
            with pytest.raises(ValueError, match="languages: contradicts language='de'"):
                stt.update_options(languages=["en"], language="de")
            stream.end_input()
            await collect(stream)
    assert [said.language for said in server.received if isinstance(said, Update)] == ["auto", "de"]
    with pytest.raises(ValueError, match="languages: expected a list"):
        auricle.STT(languages="en")
