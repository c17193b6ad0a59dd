"""`POST /v1/audio/transcriptions`."""

from __future__ import annotations

from collections.abc import Sequence

from multidict import MultiMapping

from auricle.protocol.client_messages import Start
from auricle.protocol.languages import AUTO, resolve
from auricle_server.gateway.dialects.openai_files.response_formats import (
    EVENT_STREAM,
    FORMATS,
    AnswerSettings,
    EventWriter,
    write,
)
from auricle_server.gateway.errors import BadRequest, Refusal
from auricle_server.gateway.session.endpoint import RefusalAnswer
from auricle_server.gateway.session.file_endpoint import FileJob, Upload
from auricle_server.gateway.session.formats.openai_writing import NUMERALS, text_format, truth
from auricle_server.gateway.session.openai_errors import OPENAI_MODELS, refusal_answer
from auricle_server.gateway.session.prompt_keyterms import prompt_keyterms
from auricle_server.model_info import ModelInfo


class TranscriptionsEndpoint:
    """See `FileEndpoint`."""

    name = "openai_files"
    paths: tuple[str, ...] = ("/v1/audio/transcriptions",)
    foreign_models: tuple[str, ...] = OPENAI_MODELS

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.authorization`: ``Bearer KEY``."""
        return headers.get("Authorization")

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`."""
        return refusal_answer(refusal)

    def model(self, query: MultiMapping[str], fields: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `FileEndpoint.model`."""
        return fields.get("model")

    def check(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo) -> None:  # noqa: ARG002
        """As `FileEndpoint.check`."""
        if not headers.get("Content-Type", "").lower().startswith("multipart/form-data"):
            raise BadRequest("send a form (multipart/form-data) with the recording in the field 'file'")

    def open(self, upload: Upload, model: ModelInfo) -> FileJob:
        """As `FileEndpoint.open`. Fields that change nothing here, the temperature for example, are not looked at."""
        settings = _answer_settings(upload.fields)
        diarized = settings.response_format == "diarized_json"
        start = _start(upload, model)
        if _flag(upload.fields, "stream"):
            writer = EventWriter(settings)
            return FileJob(start, writer.end, writer.encode, writer.encode_refusal, EVENT_STREAM)
        return FileJob(start, lambda transcript: write(transcript, settings), split=diarized)


def _start(upload: Upload, model: ModelInfo) -> Start:
    latency = upload.query.get("latency_ms")
    if latency is not None and not (latency.isascii() and latency.isdigit() and 0 < len(latency) < 7):
        raise BadRequest("latency_ms: expected a positive number of milliseconds")
    keyterms = prompt_keyterms(upload.fields.get("prompt", ""), _list(upload.fields, "keywords"), upload.limits)
    return Start(
        latency_ms=None if latency is None else int(latency),
        language=_language(upload.fields, model),
        keyterms=keyterms,
        offline=latency is None,
        text_format=text_format(upload.fields.get(NUMERALS) or upload.query.get(NUMERALS)),
    )


def _language(fields: MultiMapping[str], model: ModelInfo) -> str | None:
    """The language of a recording; None for the model's default."""
    if language := fields.get("language"):
        return language  # the stream refuses, in words, what the model does not know
    hints = [hint for each in _list(fields, "languages") if (hint := resolve(each, model.languages)) is not None]
    if len(hints) > 1 and AUTO in model.languages:
        return AUTO
    return hints[0] if hints else None


def _answer_settings(fields: MultiMapping[str]) -> AnswerSettings:
    response_format = fields.get("response_format") or "json"
    if response_format not in FORMATS:
        raise BadRequest(f"response_format: expected one of {', '.join(FORMATS)}")
    granularities = set(_list(fields, "timestamp_granularities"))
    if granularities - {"word", "segment"}:
        raise BadRequest("timestamp_granularities: expected word, segment, or both")
    return AnswerSettings(
        response_format,
        words="word" in granularities,
        segments="segment" in granularities or not granularities,
        logprobs="logprobs" in _list(fields, "include"),
    )


def _list(fields: MultiMapping[str], name: str) -> Sequence[str]:
    """The values of a field that may come several times; OpenAI's clients add brackets to its name."""
    return [*fields.getall(f"{name}[]", []), *fields.getall(name, [])]


def _flag(fields: MultiMapping[str], name: str) -> bool:
    return truth(name, fields.get(name, ""))
