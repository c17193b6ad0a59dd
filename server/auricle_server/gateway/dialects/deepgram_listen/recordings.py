"""What is asked of a recording, and the answer: one document with the words of every channel."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from multidict import MultiMapping

from auricle.protocol.client_messages import Start
from auricle_server.gateway.dialects.deepgram_listen.query import (
    LIVE_PARAMETERS,
    ListenOptions,
    is_on,
    make_start,
    read_options,
    whole_number,
)
from auricle_server.gateway.dialects.deepgram_listen.results import (
    ListenRequest,
    ListenResults,
    Message,
    languages_of,
    model_info,
    model_uuid,
)
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.file_endpoint import ChannelTranscript, RawAudio, RecordingTranscript
from auricle_server.gateway.session.formats.deepgram_audio import raw_encoding
from auricle_server.text.plain_text import plain

_PARAMETERS: Final = (LIVE_PARAMETERS - {"interim_results", "vad_events"}) | {
    "detect_language",
    "multichannel",
    "paragraphs",
    "utterances",
    "utt_split",
}
_DEFAULT_SPLIT: Final = 0.8
"""Seconds without a word between two utterances, where the query does not say (Deepgram's default)."""
_PARAGRAPH_PAUSE: Final = 1.5
"""Seconds without a word between two sentences after which a paragraph begins."""
_LONGEST_PARAGRAPH: Final = 5
"""Sentences of a paragraph at most."""
_SENTENCE_ENDS: Final = (".", "?", "!", "。", "？", "！", "।", "؟")


@dataclass(frozen=True, slots=True)
class FileQuery:
    """What a request asks for.

    Attributes:
        start: Of each stream.
        options: How the results are told.
        raw: How samples without a header are stored; None where the file says what it holds.
        multichannel: Whether each channel is transcribed by itself.
        detect_language: Whether the answer names the language.
        paragraphs: Whether it has sentences and paragraphs.
        utterances: Whether it has utterances.
        split: Seconds without a word between two of these.
    """

    start: Start
    options: ListenOptions
    raw: RawAudio | None
    multichannel: bool
    detect_language: bool
    paragraphs: bool
    utterances: bool
    split: float


def read_file_query(query: MultiMapping[str]) -> FileQuery:
    """What the query of a listen URL asks for a recording.

    Raises:
        BadRequest: A value cannot be.
    """
    return FileQuery(
        # A recording goes through the offline lane, unless the query wants a latency.
        start=make_start(query, offline=whole_number(query, "latency_ms") is None),
        options=read_options(query, _PARAMETERS),
        raw=_raw(query),
        multichannel=is_on(query, "multichannel"),
        detect_language=is_on(query, "detect_language"),
        paragraphs=is_on(query, "paragraphs") or is_on(query, "smart_format"),
        utterances=is_on(query, "utterances"),
        split=_seconds(query.get("utt_split", "")),
    )


def _raw(query: MultiMapping[str]) -> RawAudio | None:
    encoding = query.get("encoding", "")
    found = raw_encoding(encoding)
    if found is None:
        return None
    if encoding.lower() == "linear32":
        raise BadRequest("encoding: recordings in linear32 need a header; send a WAV file")
    rate, channels = whole_number(query, "sample_rate") or found[1], whole_number(query, "channels") or 1
    if not (8_000 <= rate <= 48_000 and channels <= 64):
        raise BadRequest("sample_rate and channels: expected 8000 to 48000 and at most 64")
    return RawAudio(found[0], rate, channels)


def _seconds(value: str) -> float:
    if not value:
        return _DEFAULT_SPLIT
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1_000:
        raise BadRequest(f"utt_split: expected seconds, got {value[:64]!r}")
    return seconds


class RecordingResults:
    """Writes the answer.

    Args:
        request: Names it.
        asked: What is asked for.
    """

    def __init__(self, request: ListenRequest, asked: FileQuery) -> None:
        self._request = request
        self._asked = asked
        options = asked.options
        self._results = ListenResults(request, punctuated=options.punctuated, many_languages=options.many_languages)

    def answer(self, transcript: RecordingTranscript) -> Message:
        """The whole document."""
        words = [self._words(channel) for channel in transcript.channels]
        results: Message = {"channels": [*map(self._channel, transcript.channels, words)]}
        if self._asked.utterances:
            results["utterances"] = self._utterances(words)
        return {"metadata": self._metadata(transcript), "results": results}

    def _metadata(self, transcript: RecordingTranscript) -> Message:
        model = transcript.channels[0].ready.model
        metadata: Message = {
            "transaction_key": "deprecated",
            "request_id": self._request.request_id,
            "created": self._request.created,
            "duration": round(transcript.duration, 4),
            "channels": len(transcript.channels),
            "models": [model_uuid(model)],
            "model_info": {model_uuid(model): model_info(model)},
        }
        if transcript.damage is not None:
            metadata["warnings"] = [{"type": "damaged_audio", "message": f"the recording is {transcript.damage}"}]
        return metadata

    def _words(self, channel: ChannelTranscript) -> list[Message]:
        return [word for final in channel.finals for word in self._results.words(final)]

    def _channel(self, channel: ChannelTranscript, words: list[Message]) -> Message:
        text = channel.text if self._asked.options.punctuated else plain(channel.text)
        alternative: Message = {"transcript": text, "confidence": _confidence(words), "words": words}
        if self._asked.options.many_languages:
            alternative["languages"] = languages_of(words)
        if self._asked.paragraphs:
            alternative["paragraphs"] = _paragraphs(words)
        answer: Message = {"alternatives": [alternative]}
        if self._asked.detect_language:
            answer["detected_language"] = next(iter(languages_of(words)), channel.ready.language)
        return answer

    def _utterances(self, channels: Sequence[list[Message]]) -> list[Message]:
        found = [
            {
                "start": words[0]["start"],
                "end": words[-1]["end"],
                "confidence": _confidence(words),
                "channel": number,
                "transcript": _text(words),
                "words": words,
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._request.request_id}/{number}/{index}")),
            }
            for number, channel in enumerate(channels)
            for index, words in enumerate(_split(channel, self._asked.split))
        ]
        return sorted(found, key=lambda utterance: (utterance["start"], utterance["channel"]))


def _confidence(words: Sequence[Message]) -> float:
    return round(sum(word["confidence"] for word in words) / len(words), 4) if words else 0.0


def _text(words: Iterable[Message]) -> str:
    return " ".join(str(word.get("punctuated_word", word["word"])) for word in words)


def _split(words: Iterable[Message], pause: float) -> list[list[Message]]:
    """The words between pauses of at least so many seconds."""
    groups: list[list[Message]] = []
    for word in words:
        if groups and word["start"] - groups[-1][-1]["end"] < pause:
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _paragraphs(words: Sequence[Message]) -> Message:
    paragraphs: list[list[list[Message]]] = []
    for sentence in _sentences(words):
        if (
            paragraphs
            and len(paragraphs[-1]) < _LONGEST_PARAGRAPH
            and sentence[0]["start"] - paragraphs[-1][-1][-1]["end"] < _PARAGRAPH_PAUSE
        ):
            paragraphs[-1].append(sentence)
        else:
            paragraphs.append([sentence])
    texts = [" ".join(map(_text, sentences)) for sentences in paragraphs]
    return {"transcript": "\n\n".join(texts), "paragraphs": [*map(_paragraph, paragraphs)]}


def _sentences(words: Iterable[Message]) -> list[list[Message]]:
    sentences: list[list[Message]] = []
    ended = True
    for word in words:
        if ended:
            sentences.append([])
        sentences[-1].append(word)
        ended = str(word.get("punctuated_word", "")).endswith(_SENTENCE_ENDS)
    return sentences


def _paragraph(sentences: Sequence[list[Message]]) -> Message:
    return {
        "sentences": [
            {"text": _text(words), "start": words[0]["start"], "end": words[-1]["end"]} for words in sentences
        ],
        "num_words": sum(map(len, sentences)),
        "start": sentences[0][0]["start"],
        "end": sentences[-1][-1]["end"],
    }
