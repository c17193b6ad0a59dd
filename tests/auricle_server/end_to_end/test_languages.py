"""Languages from the wire to the words and back: a real server with a small prompted model that emits tags."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from auricle import Error, Final, ReconnectPolicy, Start, Stream, connect
from auricle.protocol.settings import Refine, TurnSettings
from tests.support import tongues

OFF = TurnSettings(mode="off")
GERMAN = "it was on they", "it was on the"
ENGLISH = "that is with and", "that is with a"
"""What is said, and what is heard of it; the last word becomes a tag as well."""


async def said(stream: Stream, words: str) -> Final:
    """The final of a sentence, asked for in the pause behind it."""
    await stream.send(tongues.speech(0.1, words, 0.3).tobytes())
    return await finalized(stream)


async def finalized(stream: Stream) -> Final:
    asked = await stream.finalize()
    return [final async for final in finals_up_to(asked, stream)][-1]


async def finals_up_to(finalize_id: str, stream: Stream) -> AsyncIterator[Final]:
    async for event in stream:
        if isinstance(event, Final):
            yield event
            if event.finalize_id == finalize_id:
                return


def start(language: str | None, refine: Refine = "off", latency_ms: int = 160) -> Start:
    return Start(language=language, refine=refine, turn=OFF, latency_ms=latency_ms)


async def test_streams_of_several_languages_at_once_have_what_each_has_asked_for() -> None:
    asked = [None, "auto", "en", "en-AU", "de_AT", "fr"]

    async def talk(url: str, language: str | None) -> tuple[str, list[tuple[str, str]]]:
        async with connect(url, start=start(language)) as stream:
            assert stream.ready.languages == tongues.LANGUAGES
            finals = [await said(stream, words) for words in (GERMAN[0], ENGLISH[0])]
            return stream.ready.language, [(final.text, final.language) for final in finals]

    async with tongues.serving() as url:
        heard = await asyncio.gather(*(talk(url, language) for language in asked))
    named = [(GERMAN[1], "de-DE"), (ENGLISH[1], "en-US")]
    assert heard[:2] == [("auto", named)] * 2
    assert heard[2:5] == [(code, [(GERMAN[1], code), (ENGLISH[1], code)]) for code in ("en-US", "en-GB", "de-DE")]
    assert heard[5] == ("fr-FR", [("", "fr-FR"), ("", "fr-FR")])  # this prompt hears nothing


@pytest.mark.parametrize("refine", ["off", "on"])
@pytest.mark.parametrize("latency_ms", [80, 560])
async def test_a_language_is_changed_in_mid_stream(refine: Refine, latency_ms: int) -> None:
    async with tongues.serving() as url, connect(url, start=start("en", refine, latency_ms)) as stream:
        heard = [await said(stream, GERMAN[0])]
        for language in ("fr", "de", "auto", "en-NZ"):
            await stream.update(language=language)
            await stream.send(tongues.speech(1.2).tobytes())  # a chunk that had begun is heard as before
            heard.append(await said(stream, GERMAN[0]))
    assert {final.refined for final in heard} == {refine == "on"}
    assert [(final.text, final.language) for final in heard] == [
        (GERMAN[1], "en-US"),
        ("", "fr-FR"),
        (GERMAN[1], "de-DE"),
        (GERMAN[1], "de-DE"),
        (GERMAN[1], "en-GB"),
    ]


@pytest.mark.parametrize("refine", ["off", "on"])
async def test_a_segment_says_where_its_languages_begin(refine: Refine) -> None:
    async with tongues.serving() as url, connect(url, start=start("auto", refine)) as stream:
        await stream.send(tongues.speech(0.1, GERMAN[0], 0.4, ENGLISH[0] + " " + ENGLISH[0], 0.4).tobytes())
        final = await finalized(stream)
    assert final.text == f"{GERMAN[1]} {ENGLISH[1]} {ENGLISH[1]}"
    assert final.language == "en-US"
    first, second = final.languages
    assert (first.language, first.start) == ("de-DE", final.start)
    assert (second.language, second.start) == ("en-US", final.words[4].start)


async def test_a_language_that_is_refused_leaves_the_stream_as_it_was() -> None:
    async with tongues.serving() as url, connect(url, start=start("de")) as stream:
        await stream.update(language="tlh")
        event = await anext(stream)
        assert isinstance(event, Error)
        assert (event.code, event.fatal) == ("unsupported_language", False)
        assert ", ".join(tongues.LANGUAGES) in event.message
        final = await said(stream, GERMAN[0])
        assert (final.text, final.language) == (GERMAN[1], "de-DE")


async def test_a_stream_goes_on_with_its_language_on_another_server() -> None:
    """What was settled is in the new start, what was not is replayed, with the changes between at their places."""
    quick = ReconnectPolicy(first_delay=0.01, max_delay=0.02)
    async with tongues.serving() as other, AsyncExitStack() as first:
        one = await first.enter_async_context(tongues.serving())
        async with connect([one, other], start=start("en"), reconnect=quick) as stream:
            assert (await said(stream, ENGLISH[0])).language == "en-US"
            await stream.update(language="de")
            await stream.send(tongues.speech(0.1, GERMAN[0], 0.6).tobytes())
            await stream.update(language="fr")
            await stream.send(tongues.speech(0.2, ENGLISH[0], 0.6).tobytes())
            await stream.update(language="de")
            await first.aclose()
            await stream.send(tongues.speech(0.1, "for his", 0.3).tobytes())
            await stream.finalize("last")
            finals = [final async for final in finals_up_to("last", stream)]
            assert stream.url.startswith(other)
    assert " ".join(final.text for final in finals if final.text) == f"{GERMAN[1]} for his"
    assert {final.language for final in finals if final.text} == {"de-DE"}


async def test_a_language_that_somebody_has_added_can_be_asked_for() -> None:
    """As "cy-GB" it has the prompt of German, so the model hears German."""
    loaded = tongues.checkpoint()
    assert loaded.config.prompt is not None
    dictionary = {**loaded.config.prompt.dictionary, "cy-GB": loaded.config.prompt.dictionary["de-DE"]}
    prompt = replace(loaded.config.prompt, dictionary=dictionary)
    added = replace(loaded, config=replace(loaded.config, prompt=prompt))
    async with tongues.serving(model=added) as url, connect(url, start=start("cy")) as stream:
        assert stream.ready.language == "cy-GB"
        assert "cy-GB" in stream.ready.languages
        final = await said(stream, GERMAN[0])
        assert (final.text, final.language) == (GERMAN[1], "cy-GB")
