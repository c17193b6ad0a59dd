"""Transcripts in every format of OpenAI's API."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from auricle.protocol.server_messages import Final, Interim, Ready, TurnEnd, Word
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.openai_files.response_formats import FORMATS, AnswerSettings, EventWriter, write
from auricle_server.gateway.errors import ShuttingDown
from auricle_server.gateway.session.file_endpoint import ChannelTranscript, RecordingTranscript

READY = Ready(
    session="s",
    model="m",
    latencies_ms=(160,),
    languages=("en", "de"),
    latency_ms=160,
    language="auto",
    limits=DEFAULT_LIMITS,
)


def segment(text: str, start: float, language: str = "en", confidence: float = 0.5) -> Final:
    words = tuple(Word(word, start + at / 2, start + at / 2 + 0.4, confidence) for at, word in enumerate(text.split()))
    end = words[-1].end
    return Final(text=text, start=start, end=end, language=language, words=words, settled=end)


HELLO, BYE = segment("Hello there.", 0.5), segment("Tschüss.", 4.0, "de", 0.0)
TRANSCRIPT = RecordingTranscript((ChannelTranscript(READY, (HELLO, BYE)),), 6.0)
SILENCE = RecordingTranscript((ChannelTranscript(READY, ()),), 2.0)


def document(transcript: RecordingTranscript, **settings: Any) -> dict[str, Any]:
    answer = write(transcript, AnswerSettings(**settings))
    assert answer.content_type.startswith("application/json")
    parsed = json.loads(answer.body)
    assert isinstance(parsed, dict)
    return parsed


def test_json_has_the_text_the_languages_and_the_seconds() -> None:
    assert document(TRANSCRIPT) == {
        "text": "Hello there. Tschüss.",
        "languages": [{"code": "en"}, {"code": "de"}],
        "usage": {"type": "duration", "seconds": 6.0},
    }


@pytest.mark.parametrize(("seconds", "counted"), [(0.0, "0"), (6.0, "6"), (6.965, "7")])
def test_seconds_are_counted_whole(seconds: float, counted: str) -> None:
    # As text: Python takes 7.0 for 7, the models of some clients do not.
    body = write(replace(TRANSCRIPT, duration=seconds), AnswerSettings()).body
    assert f'"seconds": {counted}}}' in body


def test_logprobs_are_those_of_words() -> None:
    logprobs = document(TRANSCRIPT, logprobs=True)["logprobs"]
    assert "".join(each["token"] for each in logprobs) == "Hello there. Tschüss."
    assert logprobs[0] == {"token": "Hello", "bytes": list(b"Hello"), "logprob": round(math.log(0.5), 6)}
    assert logprobs[2]["bytes"] == list(" Tschüss.".encode())
    assert logprobs[2]["logprob"] < -10  # a word of confidence 0


def test_verbose_json_has_segments_unless_only_words_are_asked_for() -> None:
    verbose = document(TRANSCRIPT, response_format="verbose_json", words=True)
    assert (verbose["task"], verbose["language"], verbose["duration"]) == ("transcribe", "en", 6.0)
    assert verbose["words"][0] == {"word": "Hello", "start": 0.5, "end": 0.9}
    first = verbose["segments"][0]
    assert (first["id"], first["start"], first["end"], first["text"]) == (0, 0.5, 1.4, "Hello there.")
    assert first["avg_logprob"] == round(math.log(0.5), 4)
    only = document(TRANSCRIPT, response_format="verbose_json", words=True, segments=False)
    assert "segments" not in only


def test_verbose_json_of_silence_names_the_language_asked_for() -> None:
    verbose = document(SILENCE, response_format="verbose_json")
    assert (verbose["text"], verbose["segments"], verbose["language"]) == ("", [], "auto")


def test_diarized_json_has_a_speaker_for_each_channel_in_order_of_time() -> None:
    other = ChannelTranscript(READY, (segment("In between.", 2.0),))
    diarized = document(RecordingTranscript((*TRANSCRIPT.channels, other), 6.0), response_format="diarized_json")
    assert [(each["speaker"], each["text"]) for each in diarized["segments"]] == [
        ("A", "Hello there."),
        ("B", "In between."),
        ("A", "Tschüss."),
    ]
    assert diarized["text"] == "Hello there. In between. Tschüss."
    assert [each["id"] for each in diarized["segments"]] == ["seg_0", "seg_1", "seg_2"]


def test_plain_formats() -> None:
    text, srt, vtt = (write(TRANSCRIPT, AnswerSettings(kind)) for kind in ("text", "srt", "vtt"))
    assert {each.content_type for each in (text, srt, vtt)} == {"text/plain; charset=utf-8"}
    assert text.body == "Hello there. Tschüss.\n"
    assert srt.body.startswith("1\n00:00:00,500 --> ")
    assert vtt.body.startswith("WEBVTT\n\n00:00:00.500 --> ")


def test_damage_is_named_in_a_header_in_every_format() -> None:
    damaged = replace(TRANSCRIPT, damage="damaged: it breaks off")
    for kind in FORMATS:
        assert write(damaged, AnswerSettings(kind)).headers == {
            "Auricle-Notice": "the recording is damaged: it breaks off"
        }


def events(text: str) -> list[dict[str, Any]]:
    parts = text.split("\n\n")
    assert parts.pop() == ""
    return [json.loads(part.removeprefix("data: ")) for part in parts]


def test_events_are_finals_and_then_the_whole() -> None:
    writer = EventWriter(AnswerSettings(logprobs=True))
    empty = replace(HELLO, text="", words=())
    turn_end = TurnEnd(probability=1.0, speech_end=1.0, text="Hello there.")
    interim = Interim(text="Hello", start=0.5, end=0.9, language="en")
    sent = [writer.encode(event) for event in (interim, empty, HELLO, turn_end, BYE)]
    assert [bool(text) for text in sent] == [False, False, True, False, True]
    deltas = events("".join(sent))
    assert "".join(delta["delta"] for delta in deltas) == TRANSCRIPT.channels[0].text
    assert all(delta["type"] == "transcript.text.delta" and delta["logprobs"] for delta in deltas)
    [done] = events(writer.end(TRANSCRIPT).body)
    assert (done["type"], done["text"]) == ("transcript.text.done", "Hello there. Tschüss.")
    assert done["usage"]["seconds"] == 6.0
    [failed] = events(writer.encode_refusal(ShuttingDown("the server shuts down")))
    assert failed["error"]["code"] == "shutting_down"
