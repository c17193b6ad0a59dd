"""Which language events say was spoken: what was asked for, from where it was on, or what the model has named."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Final, Interim, LanguageSpan, Limits, ServerEvent, TurnEnd
from auricle.protocol.settings import TurnSettings
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import SecondPassChanged, SettingsUpdate
from auricle_server.model_info import ModelInfo
from auricle_server.stream.language_tracker import RequestedLanguage
from auricle_server.stream.stream_state import StreamState

PIECES = ("▁one", "▁eins", ".", "<en-US>", "<de-DE>", "▁")
ONE, EINS, STOP, ENGLISH, GERMAN, SPACE = range(6)
OFFERED = ("auto", "en-US", "en-GB", "de-DE", "zh-CN", "pt-BR", "pt-PT")
INFO = ModelInfo("m", PIECES, (80, 160), 160, OFFERED, "auto", 0.08, 4)
ENGLISH_MODEL = ModelInfo("m", PIECES, (80, 160), 160, ("en-US",), "en-US", 0.08, 4)
SECOND = 16_000
LIMITS = Limits(1, 1.0, 1.0, 1.0)


class Talk:
    """Feeds a stream chunk by chunk; tokens stand on frames of their own, from the chunk's `frame` on."""

    def __init__(self, info: ModelInfo = INFO, **start: Any) -> None:
        self.stream = StreamState(info, Start(**start), "session")

    def chunk(self, seconds: float, *tokens: int, frame: int = 0, mark: int | None = None) -> list[ServerEvent]:
        samples = round(seconds * SECOND)
        self.stream.count_audio(max(0, samples - round(self.stream.received_seconds * SECOND)))
        return self.stream.on_result(_result(samples, tokens, frame, mark))

    def second(self, seconds: float, *tokens: int, frame: int = 0) -> list[ServerEvent]:
        """A result of the second pass."""
        return self.stream.on_result(_result(round(seconds * SECOND), tokens, frame, None, refined=True))

    def finalized(self, seconds: float, *tokens: int, frame: int = 0) -> Final:
        samples = round(seconds * SECOND)
        self.stream.count_audio(max(0, samples - round(self.stream.received_seconds * SECOND)))
        return only(self.chunk(seconds, *tokens, frame=frame, mark=self.stream.finalize("f")))


def _result(
    samples: int, tokens: tuple[int, ...], frame: int, mark: int | None, *, refined: bool = False
) -> ChunkResult:
    frames = tuple(range(frame, frame + len(tokens)))
    sure = (0.9,) * len(tokens)
    return ChunkResult(0, samples, tokens, frames, sure, sure, mark, refined=refined)


def only(events: list[ServerEvent]) -> Final:
    [final] = [event for event in events if isinstance(event, Final)]
    return final


def interim(events: list[ServerEvent]) -> Interim:
    [found] = [event for event in events if isinstance(event, Interim)]
    return found


@pytest.mark.parametrize(
    ("asked", "language"),
    [(None, "auto"), ("EN", "en-US"), ("zh_Hans", "zh-CN"), ("pt-AO", "pt-PT"), ("en-AU", "en-GB"), ("multi", "auto")],
)
def test_ready_and_the_worker_have_the_models_own_code(asked: str | None, language: str) -> None:
    stream = Talk(language=asked).stream
    assert (stream.ready(LIMITS).language, stream.ready(LIMITS).languages) == (language, OFFERED)
    if asked is not None:
        assert stream.update(Update(language=asked)) == SettingsUpdate(language=language)


@pytest.mark.parametrize("asked", ["en", "en-US", "en-GB", "en_IN", "auto", None])
def test_a_model_of_one_language_has_that_whatever_is_asked_for_it(asked: str | None) -> None:
    stream = Talk(ENGLISH_MODEL, language=asked).stream
    assert (stream.ready(LIMITS).language, stream.language) == ("en-US", "en-US")


@pytest.mark.parametrize(("info", "asked"), [(INFO, "tlh"), (INFO, ""), (INFO, "zh-HK"), (ENGLISH_MODEL, "de-DE")])
def test_another_language_is_refused_with_those_that_there_are(info: ModelInfo, asked: str) -> None:
    with pytest.raises(ProtocolViolation, match=", ".join(info.languages)) as refused:
        Talk(info, language=asked)
    assert refused.value.code == "unsupported_language"
    talk = Talk(info)
    with pytest.raises(ProtocolViolation, match=", ".join(info.languages)) as refused:
        talk.stream.update(Update(language=asked))
    assert refused.value.code == "unsupported_language"
    assert talk.stream.language == info.default_language


def test_what_was_asked_for_is_on_every_event_whatever_the_model_names() -> None:
    talk = Talk(language="en")
    assert interim(talk.chunk(1.0, ONE, frame=10)).language == "en-US"
    final = talk.finalized(1.2, STOP, GERMAN, frame=12)
    assert (final.text, final.language, final.languages) == ("one.", "en-US", ())
    assert talk.finalized(1.4).language == "en-US"  # nothing was said


def test_a_tag_after_a_sentence_names_it() -> None:
    talk = Talk()
    assert interim(talk.chunk(1.0, EINS, frame=10)).language == "auto"
    assert talk.chunk(1.1, GERMAN, frame=13) == []  # a name alone is no new text
    assert only(talk.chunk(3.0)).language == "de-DE"
    assert interim(talk.chunk(4.0, ONE, frame=48)).language == "de-DE"  # the best guess until it is named
    final = talk.finalized(4.2, STOP, ENGLISH, frame=50)
    assert (final.language, final.languages) == ("en-US", ())
    assert talk.finalized(4.4).language == "en-US"


def test_a_segment_of_several_languages_says_where_each_begins() -> None:
    talk = Talk(turn=TurnSettings("off"))
    talk.chunk(1.0, EINS, STOP, GERMAN, frame=5)
    final = talk.finalized(2.0, ONE, ONE, STOP, SPACE, ENGLISH, frame=20)
    assert final.text == "eins. one one."
    assert final.language == "en-US"
    assert final.languages == (LanguageSpan("de-DE", 0.4), LanguageSpan("en-US", 1.6))


def test_a_tag_that_a_flush_was_too_early_for_belongs_to_the_words_before() -> None:
    talk = Talk()
    talk.chunk(0.5, ONE, STOP, ENGLISH, frame=2)
    assert talk.finalized(1.2, EINS, STOP, frame=13).text == "one. eins."
    assert talk.chunk(1.6, EINS, STOP, GERMAN, frame=13) == []  # they come again, and the tag with them
    assert interim(talk.chunk(2.0, ONE, frame=21)).language == "de-DE"
    assert talk.finalized(2.4, STOP, ENGLISH, frame=23).languages == ()


def test_a_tag_that_a_flush_has_brought_comes_again_to_no_effect() -> None:
    talk = Talk()
    assert talk.finalized(1.2, EINS, STOP, GERMAN, frame=12).language == "de-DE"
    talk.chunk(1.6, EINS, STOP, ENGLISH, ONE, frame=13)  # this time it hears another one
    final = talk.finalized(2.2, STOP, ENGLISH, frame=20)
    assert (final.text, final.language, final.languages) == ("one.", "en-US", ())


def test_a_switch_holds_from_where_it_was_made_on() -> None:
    talk = Talk(language="en-US")
    talk.chunk(1.0, ONE, frame=10)
    talk.stream.update(Update(language="de"))
    assert talk.stream.language == "de-DE"
    final = talk.finalized(1.2)
    assert (final.text, final.language) == ("one", "en-US")  # it was said before
    assert interim(talk.chunk(2.0, EINS, frame=20)).language == "de-DE"
    assert talk.finalized(2.2).language == "de-DE"


def test_a_switch_within_a_segment_shows_in_it() -> None:
    talk = Talk(language="en-US")
    talk.chunk(1.0, ONE, frame=10)
    talk.stream.update(Update(language="de-DE"))
    talk.chunk(1.4, EINS, frame=15)
    assert talk.finalized(1.6).languages == (LanguageSpan("en-US", 0.8), LanguageSpan("de-DE", 1.2))


def test_a_switch_to_auto_knows_nothing_yet() -> None:
    talk = Talk()
    talk.chunk(1.0, EINS, STOP, GERMAN, frame=8)
    talk.stream.update(Update(language="auto"))
    assert talk.finalized(1.1).language == "de-DE"
    assert interim(talk.chunk(2.0, ONE, frame=20)).language == "auto"
    assert talk.finalized(2.2, STOP, ENGLISH, frame=22).language == "en-US"


def test_from_auto_to_a_language_and_back() -> None:
    talk = Talk(turn=TurnSettings("off"))
    talk.chunk(1.0, EINS, STOP, GERMAN, frame=8)
    talk.stream.update(Update(language="en-US"))
    talk.chunk(2.0, ONE, STOP, GERMAN, frame=16)
    talk.stream.update(Update(language="auto"))
    final = talk.finalized(3.0, EINS, STOP, GERMAN, frame=30)
    assert final.languages == (LanguageSpan("de-DE", 0.64), LanguageSpan("en-US", 1.28), LanguageSpan("de-DE", 2.4))


def test_tags_disturb_no_turn() -> None:
    """The same words at the same places, with tags and without, start and end turns on the same chunks."""

    def told(*extra: int) -> list[ServerEvent]:
        talk = Talk(language="en-US")
        events = talk.chunk(1.0, ONE, *extra, frame=8) + talk.chunk(1.16, *extra, frame=13)
        for step in range(1, 12):
            events += talk.chunk(1.16 + 0.16 * step)
        return events

    assert [(type(event), event.audio_time) for event in told()] == [
        (type(event), event.audio_time) for event in told(GERMAN, ENGLISH)
    ]
    assert any(isinstance(event, TurnEnd) for event in told())


def test_only_english_words_say_by_their_meaning_that_a_turn_goes_on() -> None:
    """ "An" wants a noun in English; "Fang an" is complete."""

    def ends_at(language: str) -> float:
        info = dataclasses.replace(INFO, pieces=("▁Fang", "▁an", *PIECES[2:]))
        talk = Talk(info, language=language, turn=TurnSettings(mode="semantic"))
        talk.chunk(1.0, 0, 1, frame=10)
        steps = (1.0 + 0.16 * step for step in range(1, 30))
        return next(at for at in steps if any(isinstance(event, TurnEnd) for event in talk.chunk(at)))

    assert ends_at("de-DE") < ends_at("en-US")


def test_a_second_pass_names_its_own_words() -> None:
    talk = Talk(refine="on")
    talk.stream.on_result(SecondPassChanged(0, active=True, base=0))
    talk.chunk(1.0, ONE, frame=5)  # which hears English, without a tag
    assert talk.chunk(2.0) == []
    final = only(talk.second(2.24, EINS, STOP, SPACE, GERMAN, frame=5))
    assert (final.text, final.refined, final.language) == ("eins.", True, "de-DE")


def test_a_tag_of_the_second_pass_names_the_words_before_it() -> None:
    talk = Talk(refine="on")
    talk.stream.on_result(SecondPassChanged(0, active=True, base=0))
    talk.chunk(1.0, EINS, frame=5)
    talk.chunk(2.0)
    late = talk.second(2.24, EINS, STOP, frame=5) + talk.second(3.36, SPACE, GERMAN, ONE, frame=30)
    assert only(late).language == "auto"  # the tag is not there yet
    talk.chunk(3.0, ONE, frame=32)
    talk.chunk(4.0)
    final = only(talk.second(4.48, STOP, ENGLISH, frame=35))
    assert (final.text, final.language, final.languages) == ("one.", "en-US", ())


def test_requested_languages_are_forgotten_once_they_are_settled() -> None:
    asked = RequestedLanguage("en-US")
    for position in range(1, 1000):
        asked.change(f"x{position}", position, floor=position - 2)
    assert len(asked._positions) <= 4
    assert (asked.at(998, None), asked.at(5000, None), asked.language) == ("x998", "x999", "x999")
