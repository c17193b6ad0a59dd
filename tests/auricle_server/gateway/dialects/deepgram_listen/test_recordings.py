"""What is asked of a recording, and the document that answers, without a server."""

from __future__ import annotations

import pytest
from multidict import MultiDict

from auricle.protocol.server_messages import Final, LanguageSpan, Limits, Ready, Word
from auricle_server.gateway.dialects.deepgram_listen.recordings import RecordingResults, read_file_query
from auricle_server.gateway.dialects.deepgram_listen.results import ListenRequest
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.file_endpoint import ChannelTranscript, RawAudio, RecordingTranscript

READY = Ready(
    session="s",
    model="m",
    latencies_ms=(80,),
    languages=("en", "de"),
    latency_ms=80,
    language="en",
    limits=Limits(1, 1.0, 1.0, 1.0),
)
REQUEST = ListenRequest("r", "then")


def words(*given: tuple[str, float]) -> tuple[Word, ...]:
    return tuple(Word(text, start, start + 0.25, 0.5) for text, start in given)


def channel(*given: tuple[str, float], languages: tuple[LanguageSpan, ...] = ()) -> ChannelTranscript:
    text = " ".join(word for word, _ in given)
    final = Final(text=text, start=0, end=1, language="en", settled=1, words=words(*given), languages=languages)
    return ChannelTranscript(READY, (final,))


def test_a_recording_goes_through_the_offline_lane() -> None:
    asked = read_file_query(MultiDict())
    assert (asked.start.offline, asked.raw, asked.split) == (True, None, 0.8)
    quick = read_file_query(MultiDict(latency_ms="80"))
    assert (quick.start.offline, quick.start.latency_ms) == (False, 80)


def test_how_samples_without_a_header_are_stored() -> None:
    asked = read_file_query(MultiDict(encoding="mulaw", channels="2"))
    assert asked.raw == RawAudio("mulaw", 8_000, 2)
    assert read_file_query(MultiDict(encoding="flac")).raw is None


@pytest.mark.parametrize(
    "query",
    [
        {"utt_split": "0"},
        {"utt_split": "soon"},
        {"encoding": "linear32"},
        {"encoding": "linear16", "sample_rate": "1"},
        {"encoding": "linear16", "channels": "1000"},
        {"channels": "two", "encoding": "linear16"},
    ],
)
def test_a_value_that_cannot_be(query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        read_file_query(MultiDict(query))


def test_utterances_of_all_channels_in_one_order() -> None:
    asked = read_file_query(MultiDict(utterances="true", utt_split="0.5", punctuate="true"))
    transcript = RecordingTranscript(
        (channel(("One", 0.0), ("two.", 1.0)), channel(("Three", 0.5), ("four", 0.8))), 2.0
    )
    utterances = RecordingResults(REQUEST, asked).answer(transcript)["results"]["utterances"]
    told = [(each["channel"], each["transcript"], each["start"], each["end"]) for each in utterances]
    assert told == [(0, "One", 0.0, 0.25), (1, "Three four", 0.5, 1.05), (0, "two.", 1.0, 1.25)]
    assert len({each["id"] for each in utterances}) == 3


def test_paragraphs_begin_after_a_long_pause_or_five_sentences() -> None:
    asked = read_file_query(MultiDict(smart_format="true"))
    spoken = [(f"w{number}.", 0.5 * number) for number in range(6)] + [("Far", 10.0), ("away.", 10.5)]
    answer = RecordingResults(REQUEST, asked).answer(RecordingTranscript((channel(*spoken),), 11.0))
    paragraphs = answer["results"]["channels"][0]["alternatives"][0]["paragraphs"]
    assert [len(each["sentences"]) for each in paragraphs["paragraphs"]] == [5, 1, 1]
    assert paragraphs["paragraphs"][-1]["sentences"][0] == {"text": "Far away.", "start": 10.0, "end": 10.75}
    assert paragraphs["transcript"].endswith("w5.\n\nFar away.")


def test_the_language_with_most_words_is_the_detected_one() -> None:
    asked = read_file_query(MultiDict(detect_language="true"))
    spans = LanguageSpan("en", 0.0), LanguageSpan("de", 1.0)
    transcript = RecordingTranscript((channel(("a", 0.0), ("b", 1.0), ("c", 2.0), languages=spans),), 3.0)
    [answer] = RecordingResults(REQUEST, asked).answer(transcript)["results"]["channels"]
    assert answer["detected_language"] == "de"
    assert answer["alternatives"][0]["languages"] == ["de", "en"]


def test_a_damaged_recording_says_so() -> None:
    asked = read_file_query(MultiDict())
    transcript = RecordingTranscript((ChannelTranscript(READY, ()),), 1.0, "cut off after 1 s")
    answer = RecordingResults(REQUEST, asked).answer(transcript)
    assert "cut off" in answer["metadata"]["warnings"][0]["message"]
    assert answer["results"]["channels"][0]["alternatives"] == [{"transcript": "", "confidence": 0.0, "words": []}]
