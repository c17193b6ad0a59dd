"""Events as Deepgram's results."""

from __future__ import annotations

from auricle.protocol.server_messages import Final, Interim, LanguageSpan, Word
from auricle_server.gateway.dialects.deepgram_listen.results import ListenRequest, ListenResults

REQUEST = ListenRequest("r", "2026-11-30T00:00:00.000Z")
WORDS = (Word("Hello,", 0.25, 0.5, 0.9), Word("Welt.", 0.75, 1.0, 0.7))
FINAL = Final(audio_time=2.0, text="Hello, Welt.", start=0.25, end=1.0, language="en", words=WORDS, settled=1.5)


def results(*, punctuated: bool = True, many_languages: bool = False) -> ListenResults:
    return ListenResults(REQUEST, punctuated=punctuated, many_languages=many_languages)


def test_a_final() -> None:
    writer = results()
    writer.model = "m"
    message = writer.final(FINAL, 0.1, 1.5, speech_final=True)
    assert {name: message[name] for name in ("type", "start", "duration", "is_final", "speech_final")} == {
        "type": "Results",
        "start": 0.1,
        "duration": 1.4,
        "is_final": True,
        "speech_final": True,
    }
    assert (message["from_finalize"], message["channel_index"]) == (False, [0, 1])
    [alternative] = message["channel"]["alternatives"]
    assert alternative["transcript"] == "Hello, Welt."
    first = {"word": "hello", "start": 0.25, "end": 0.5, "confidence": 0.9, "punctuated_word": "Hello,"}
    assert alternative["words"][0] == first
    assert "languages" not in alternative
    assert message["metadata"]["request_id"] == "r"
    assert message["metadata"]["model_info"]["name"] == "m"


def test_without_punctuation_words_are_plain() -> None:
    [alternative] = results(punctuated=False).final(FINAL, 0.0, 1.5, speech_final=False)["channel"]["alternatives"]
    assert alternative["transcript"] == "hello welt"
    assert "punctuated_word" not in alternative["words"][0]


def test_words_have_their_language_where_it_may_change() -> None:
    spans = (LanguageSpan("en", 0.25), LanguageSpan("de", 0.75))
    final = Final(text="Hello, Welt.", start=0.25, end=1.0, language="en", words=WORDS, settled=1.5, languages=spans)
    message = results(many_languages=True).final(final, 0.0, 1.5, speech_final=False)
    [alternative] = message["channel"]["alternatives"]
    assert [word["language"] for word in alternative["words"]] == ["en", "de"]
    assert alternative["languages"] == ["en", "de"]


def test_an_interim_has_the_mean_confidence_of_its_words() -> None:
    interim = Interim(audio_time=3.0, text="Hello, Welt.", start=0.25, end=1.0, language="en", words=WORDS)
    message = results().interim(interim, 0.5)
    assert (message["start"], message["duration"], message["is_final"]) == (0.5, 2.5, False)
    [alternative] = message["channel"]["alternatives"]
    assert [(word["word"], word["start"], word["end"]) for word in alternative["words"]] == [
        ("hello", 0.25, 0.5),
        ("welt", 0.75, 1.0),
    ]
    assert alternative["confidence"] == 0.8


def test_the_answer_to_a_finalize_says_so() -> None:
    final = Final(text="", start=2.0, end=2.0, language="en", settled=2.0, finalize_id="f1")
    message = results().final(final, 1.0, 2.0, speech_final=False)
    assert (message["from_finalize"], message["channel"]["alternatives"][0]["words"]) == (True, [])
