"""Transcripts as OpenAI's API writes them."""

from __future__ import annotations

import json
import math
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from auricle.protocol.languages import AUTO
from auricle.protocol.server_messages import Final, ServerEvent, Word
from auricle_server.captions.subtitles import as_srt, as_vtt
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.file_endpoint import HttpAnswer, RecordingTranscript
from auricle_server.gateway.session.openai_errors import refusal_answer

EVENT_STREAM = "text/event-stream; charset=utf-8"
NOTICE_HEADER = "Auricle-Notice"
"""Of an answer to a recording that could not be read to its end: what is wrong with it."""
_PLAIN = "text/plain; charset=utf-8"
_LEAST_CONFIDENCE = 1e-6
"""A word of confidence 0 has no logarithm."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """What a client wants of its answer.

    Attributes:
        response_format: A key of `FORMATS`.
        words: Whether ``verbose_json`` lists words.
        segments: Whether it lists segments.
        logprobs: Whether each word comes with the logarithm of its confidence.
    """

    response_format: str = "json"
    words: bool = False
    segments: bool = True
    logprobs: bool = False


def write(transcript: RecordingTranscript, settings: AnswerSettings) -> HttpAnswer:
    """The answer to a request."""
    body, content_type = FORMATS[settings.response_format](transcript, settings)
    headers = {} if transcript.damage is None else {NOTICE_HEADER: f"the recording is {transcript.damage}"}
    return HttpAnswer(body, content_type, headers) if content_type else HttpAnswer(body, headers=headers)


@dataclass(slots=True)
class EventWriter:
    """The answer as server-sent events: each final as soon as there is one, then all.

    Attributes:
        settings: Of the answer.
    """

    settings: AnswerSettings
    _segments: int = field(default=0, init=False)

    def encode(self, event: ServerEvent) -> str:
        """As `FileJob.encode`."""
        if not isinstance(event, Final) or not event.text:
            return ""
        text = event.text if not self._segments else f" {event.text}"
        delta = {"type": "transcript.text.delta", "delta": text, **self._logprobs((event,))}
        self._segments += 1
        return _event(delta)

    def end(self, transcript: RecordingTranscript) -> HttpAnswer:
        """As `FileJob.answer`."""
        done = {"type": "transcript.text.done", "text": _text(transcript), **_languages(transcript)}
        return HttpAnswer(_event({**done, **_usage(transcript), **self._logprobs(_finals(transcript))}))

    def encode_refusal(self, refusal: Refusal) -> str:
        """As `FileJob.encode_refusal`."""
        return _event(refusal_answer(refusal).body)

    def _logprobs(self, finals: Iterable[Final]) -> Json:
        return {"logprobs": _logprobs(finals)} if self.settings.logprobs else {}


def _event(data: Json) -> str:
    # https://html.spec.whatwg.org/multipage/server-sent-events.html: an empty line ends an event.
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _json(transcript: RecordingTranscript, settings: AnswerSettings) -> tuple[str, str]:
    document = {"text": _text(transcript), **_languages(transcript), **_usage(transcript)}
    if settings.logprobs:
        document["logprobs"] = _logprobs(_finals(transcript))
    return _dumped(document), ""


def _verbose(transcript: RecordingTranscript, settings: AnswerSettings) -> tuple[str, str]:
    finals = _finals(transcript)
    codes = _language_codes(transcript)
    document: Json = {
        "task": "transcribe",
        "language": codes[0] if codes else transcript.channels[0].ready.language,
        "duration": round(transcript.duration, 3),
        "text": _text(transcript),
    }
    if settings.segments:
        document["segments"] = [_segment(number, final) for number, final in enumerate(finals)]
    if settings.words:
        document["words"] = [
            {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
            for final in finals
            for word in final.words
        ]
    return _dumped({**document, **_usage(transcript)}), ""


def _segment(number: int, final: Final) -> Json:
    """A segment with the fields of Whisper, as far as they mean something here."""
    encoded = final.text.encode()
    logprobs = [_logprob(word) for word in final.words]
    return {
        "id": number,
        "seek": 0,
        "start": round(final.start, 3),
        "end": round(final.end, 3),
        "text": final.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(sum(logprobs) / len(logprobs), 4) if logprobs else 0.0,
        "compression_ratio": round(len(encoded) / len(zlib.compress(encoded)), 4),
        "no_speech_prob": 0.0,  # a segment has words
    }


def _diarized(transcript: RecordingTranscript, _: AnswerSettings) -> tuple[str, str]:
    """Channels are the speakers: a call has a party on each."""
    found = [
        (final.start, speaker, final) for speaker, channel in enumerate(transcript.channels) for final in channel.finals
    ]
    segments: list[Json] = [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number}",
            "start": round(start, 3),
            "end": round(final.end, 3),
            "text": final.text,
            "speaker": chr(ord("A") + speaker),
        }
        for number, (start, speaker, final) in enumerate(sorted(found, key=lambda each: each[:2]))
    ]
    text = " ".join(segment["text"] for segment in segments)
    document = {"task": "transcribe", "duration": round(transcript.duration, 3), "text": text, "segments": segments}
    return _dumped({**document, **_usage(transcript)}), ""


FORMATS: dict[str, Callable[[RecordingTranscript, AnswerSettings], tuple[str, str]]] = {
    "json": _json,
    "text": lambda transcript, _: (f"{_text(transcript)}\n", _PLAIN),
    "verbose_json": _verbose,
    "srt": lambda transcript, _: (as_srt(_finals(transcript)), _PLAIN),
    "vtt": lambda transcript, _: (as_vtt(_finals(transcript)), _PLAIN),
    "diarized_json": _diarized,
}
"""Writes the body, and its content type; an empty one is JSON's."""


def _finals(transcript: RecordingTranscript) -> tuple[Final, ...]:
    return transcript.channels[0].finals


def _text(transcript: RecordingTranscript) -> str:
    return transcript.channels[0].text


def _usage(transcript: RecordingTranscript) -> Json:
    # Whole seconds, as OpenAI counts them: LiteLLM refuses an answer with a fraction of one.
    return {"usage": {"type": "duration", "seconds": math.ceil(round(transcript.duration, 3))}}


def _languages(transcript: RecordingTranscript) -> Json:
    return {"languages": [{"code": code} for code in _language_codes(transcript)]}


def _language_codes(transcript: RecordingTranscript) -> list[str]:
    """The languages that were spoken, the one with most speech first."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for channel in transcript.channels:
        for final in channel.finals:
            seconds[final.language] += final.end - final.start
    seconds.pop(AUTO, None)
    return sorted(seconds, key=lambda code: seconds[code], reverse=True)


def _logprobs(finals: Iterable[Final]) -> list[Json]:
    words = [word for final in finals for word in final.words]
    tokens = [word.text if not number else f" {word.text}" for number, word in enumerate(words)]
    return [
        {"token": token, "bytes": list(token.encode()), "logprob": round(_logprob(word), 6)}
        for token, word in zip(tokens, words, strict=True)
    ]


def _logprob(word: Word) -> float:
    return math.log(max(word.confidence, _LEAST_CONFIDENCE))


def _dumped(document: Json) -> str:
    return json.dumps(document, ensure_ascii=False)
