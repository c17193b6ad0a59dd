"""The messages of a listen socket to its client, as dictionaries.

Positions are seconds of the stream's audio.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from auricle import __version__
from auricle.protocol.languages import AUTO
from auricle.protocol.server_messages import Final, Interim, LanguageSpan, Word
from auricle_server.text.plain_text import plain

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListenRequest:
    """What every message of one connection repeats.

    Attributes:
        request_id: Names the connection.
        created: When it was opened, in the form of RFC 3339.
    """

    request_id: str
    created: str


class ListenResults:
    """Writes results.

    Args:
        request: The connection.
        punctuated: Whether words have case and punctuation.
        many_languages: Whether words have their language.

    Attributes:
        model: Name of the model.
        channel: Which of how many channels the stream is.
    """

    def __init__(self, request: ListenRequest, *, punctuated: bool, many_languages: bool) -> None:
        self.model = ""
        self.channel = (0, 1)
        self._request = request
        self._punctuated = punctuated
        self._many_languages = many_languages

    def final(self, final: Final, start: float, end: float, *, speech_final: bool) -> Message:
        """A final, which seals the audio from `start` to `end`."""
        alternative = self._alternative(final.text, final.confidence or 0.0, self.words(final))
        answers = final.finalize_id is not None
        return self._results(alternative, start, end, is_final=True, speech_final=speech_final, from_finalize=answers)

    def interim(self, interim: Interim, start: float) -> Message:
        """The words from `start` on, which may change."""
        words = [self._word(word, interim.language) for word in interim.words]
        confidence = sum(word.confidence for word in interim.words) / max(1, len(interim.words))
        alternative = self._alternative(interim.text, round(confidence, 4), words)
        end = interim.audio_time
        return self._results(alternative, start, end, is_final=False, speech_final=False, from_finalize=False)

    def words(self, final: Final) -> list[Message]:
        """The words of a final."""
        spans = final.languages or (LanguageSpan(final.language, 0.0),)
        return [self._word(word, _language_at(word.start, spans)) for word in final.words]

    def _word(self, word: Word, language: str) -> Message:
        message: Message = {
            "word": plain(word.text),
            "start": round(word.start, 4),
            "end": round(word.end, 4),
            "confidence": word.confidence,
        }
        if self._punctuated:
            message["punctuated_word"] = word.text
        if self._many_languages and language != AUTO:
            message["language"] = language
        return message

    def speech_ended(self, position: float) -> Message:
        """The utterance has ended whose words are final already."""
        alternative = self._alternative("", 0.0, [])
        return self._results(alternative, position, position, is_final=True, speech_final=True, from_finalize=False)

    def _alternative(self, text: str, confidence: float, words: list[Message]) -> Message:
        alternative: Message = {
            "transcript": text if self._punctuated else plain(text),
            "confidence": confidence,
            "words": words,
        }
        if self._many_languages:
            alternative["languages"] = languages_of(words)
        return alternative

    def _results(self, alternative: Message, start: float, end: float, **flags: bool) -> Message:
        return {
            "type": "Results",
            "channel_index": list(self.channel),
            "duration": round(max(0.0, end - start), 4),
            "start": round(start, 4),
            **flags,
            "channel": {"alternatives": [alternative]},
            "metadata": {
                "request_id": self._request.request_id,
                "model_info": model_info(self.model),
                "model_uuid": model_uuid(self.model),
            },
        }


def model_info(model: str) -> Message:
    """What clients are told of a model."""
    return {"name": model, "version": __version__, "arch": "auricle"}


def model_uuid(model: str) -> str:
    """The identifier of a model: always the same for one name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"auricle:{model}"))


def languages_of(words: Iterable[Message]) -> list[str]:
    """The languages of words, the one with most of them first."""
    counted = Counter(word["language"] for word in words if "language" in word)
    return [language for language, _ in counted.most_common()]


def _language_at(position: float, spans: Sequence[LanguageSpan]) -> str:
    earlier = [span.language for span in spans if span.start <= position]
    return earlier[-1] if earlier else spans[0].language
