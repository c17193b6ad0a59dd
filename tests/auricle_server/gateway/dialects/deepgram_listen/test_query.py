"""Every parameter is accepted; what changes the stream is read, and what is not served is named."""

from __future__ import annotations

import pytest
from multidict import MultiDict

from auricle.protocol.client_messages import Start
from auricle.protocol.settings import TurnSettings
from auricle_server.gateway.dialects.deepgram_listen.query import ListenOptions, read_query
from auricle_server.gateway.errors import BadRequest


def read(*pairs: tuple[str, str], **query: str) -> tuple[Start, ListenOptions]:
    return read_query(MultiDict([*query.items(), *pairs]))


def test_the_defaults_are_those_of_the_format() -> None:
    start, options = read(model="nova-3", sample_rate="16000")
    assert options == ListenOptions()
    assert start == Start(turn=TurnSettings(silence_ms=200))


@pytest.mark.parametrize(
    ("name", "encoding", "rate", "wide"),
    [
        ("linear16", "pcm_s16le", 16_000, False),
        ("linear32", "pcm_s16le", 16_000, True),
        ("mulaw", "mulaw", 8_000, False),
        ("alaw", "alaw", 8_000, False),
    ],
)
def test_encodings(name: str, encoding: str, rate: int, wide: bool) -> None:
    start, options = read(encoding=name)
    assert (start.encoding, start.sample_rate, options.audio.wide) == (encoding, rate, wide)
    assert read(encoding=name, sample_rate="44100")[0].sample_rate == 44_100


@pytest.mark.parametrize(("name", "container"), [("", None), ("ogg-opus", "ogg"), ("opus", "opus"), ("MP3", "mp3")])
def test_containers(name: str, container: str | None) -> None:
    start, options = read(encoding=name, channels="2")
    assert (start.encoding, start.sample_rate) == ("pcm_s16le", 16_000)
    assert (options.audio.contained, options.audio.container, options.audio.channels) == (True, container, 1)


def test_channels_of_samples_are_mixed() -> None:
    start, options = read(encoding="mulaw", channels="2")
    assert (start.encoding, start.sample_rate) == ("pcm_s16le", 8_000)
    assert (options.audio.encoding, options.audio.channels, options.audio.split) == ("mulaw", 2, False)


def test_channels_may_be_streams_of_their_own() -> None:
    _, options = read(encoding="linear16", channels="2", multichannel="true")
    assert (options.audio.channels, options.audio.split, options.unserved) == (2, True, ())
    assert not read(encoding="linear16", multichannel="true")[1].audio.split
    assert read(encoding="ogg-opus", channels="2", multichannel="true")[1].unserved == ("multichannel",)


@pytest.mark.parametrize(
    ("query", "silence_ms", "ends"),
    [
        ({"endpointing": "25"}, 200, True),
        ({"endpointing": "true"}, 200, True),
        ({"endpointing": "700"}, 700, True),
        ({"endpointing": "99999"}, 10_000, True),
        ({"endpointing": "3000", "utterance_end_ms": "1000"}, 1_000, True),
        ({"endpointing": "false"}, 1_000, False),
        ({"endpointing": "0"}, 1_000, False),
        ({"endpointing": "false", "utterance_end_ms": "1500"}, 1_500, False),
    ],
)
def test_endpointing_becomes_a_silence(query: dict[str, str], silence_ms: int, ends: bool) -> None:
    start, options = read(**query)
    assert (start.turn.silence_ms, options.ends_utterances) == (silence_ms, ends)
    assert (start.turn.max_turn_seconds is None) == ends


def test_flags_and_times() -> None:
    given = {"interim_results": "true", "vad_events": "True", "smart_format": "true", "utterance_end_ms": "1500"}
    options = read(**given)[1]
    assert (options.interim_results, options.vad_events, options.punctuated) == (True, True, True)
    assert options.utterance_end == 1.5
    assert read(punctuate="false", interim_results="false", encoding="linear16")[1] == ListenOptions()


def test_languages() -> None:
    assert read(language="en-US")[0].language == "en-US"
    start, options = read(language="multi")
    assert (start.language, options.many_languages) == ("multi", True)
    assert read(detect_language="true")[1].many_languages
    assert read()[0].language is None


def test_key_terms_come_from_both_parameters() -> None:
    pairs = [("keyterm", "Auricle"), ("keyterm", "Smart Turn"), ("keywords", "snuffle:2.5"), ("keywords", "parrot")]
    start, _ = read(*pairs, ("keywords", "never:-3"), ("keyterm", "Auricle"), ("keyterm", " "))
    assert start.keyterms == ("Auricle", "Smart Turn", "snuffle", "parrot")


def test_what_is_not_served_is_named() -> None:
    given = {
        "diarize": "true",
        "redact": "pci",
        "numerals": "false",
        "model": "nova-3",
        "tag": "x",
        "new thing\r\n": "1",
    }
    assert read(**given)[1].unserved == ("diarize", "redact", "newthing")


def test_the_latency_can_be_asked_for() -> None:
    assert read(latency_ms="80")[0].latency_ms == 80


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"encoding": "g729"}, "encoding"),
        ({"encoding": "linear16", "channels": "65"}, "channels"),
        ({"encoding": "linear16", "sample_rate": "12"}, "sample_rate"),
        ({"encoding": "linear16", "sample_rate": "1e4"}, "sample_rate"),
        ({"endpointing": "soon"}, "endpointing"),
        ({"utterance_end_ms": "-1"}, "utterance_end_ms"),
        ({"latency_ms": "9" * 5_000}, "latency_ms"),
        ({"keyterm": "\ud800"}, "keyterms"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_words(query: dict[str, str], named: str) -> None:
    with pytest.raises(BadRequest, match=named) as refused:
        read(**query)
    assert len(refused.value.message) < 300
