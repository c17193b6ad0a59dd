"""Languages for which a model must be fine-tuned first: a stream is told, and goes on."""

from __future__ import annotations

from dataclasses import replace

from auricle import Error, Stream, connect
from auricle_server.checkpoints.known.nemotron import MULTILINGUAL
from tests.auricle_server.end_to_end.test_languages import GERMAN, said, start
from tests.support import tongues

PROFILE = replace(MULTILINGUAL, languages_to_adapt=frozenset(("de-DE",)))
"""As if German were one of the eight locales, for the model of the tests has none of those."""


async def notice(stream: Stream) -> Error:
    event = await anext(aiter(stream))
    assert isinstance(event, Error)
    return event


async def test_a_stream_that_starts_with_such_a_language_or_changes_to_it_is_told_and_goes_on() -> None:
    async with tongues.serving(profile=PROFILE) as url:
        async with connect(url, start=start("de")) as stream:
            told = await notice(stream)
            assert (told.code, told.fault, told.fatal) == ("language_needs_adaptation", "client", False)
            assert told.message.startswith("tongues offers de-DE but must be fine-tuned for it first")
            assert (await said(stream, GERMAN[0])).text == GERMAN[1]
        async with connect(url, start=start("en")) as stream:
            await stream.update(language="de_AT")
            assert (await notice(stream)).code == "language_needs_adaptation"
            await stream.update(language="de")  # no change
            final = await said(stream, GERMAN[0])
            assert (final.text, final.language) == (GERMAN[1], "de-DE")


async def test_other_languages_and_auto_have_no_notice() -> None:
    async with tongues.serving(profile=PROFILE) as url:
        for language in ("en", "auto", None):
            async with connect(url, start=start(language)) as stream:
                await stream.send(tongues.speech(0.1, GERMAN[0], 0.3).tobytes())
                await stream.end()
                assert not [event async for event in stream if isinstance(event, Error)]
