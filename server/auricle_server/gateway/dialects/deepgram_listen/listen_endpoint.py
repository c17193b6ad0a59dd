"""Where Deepgram's clients open live streams and upload recordings."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from multidict import MultiMapping

from auricle_server.gateway.dialects.deepgram_listen.listen_dialect import ChannelCount, ListenDialect
from auricle_server.gateway.dialects.deepgram_listen.query import ListenOptions, read_query
from auricle_server.gateway.dialects.deepgram_listen.recordings import RecordingResults, read_file_query
from auricle_server.gateway.dialects.deepgram_listen.results import ListenRequest
from auricle_server.gateway.errors import BadRequest, Refusal
from auricle_server.gateway.session.deepgram_requests import (
    DEEPGRAM_MODELS,
    authorization,
    key_subprotocol,
    refusal_answer,
)
from auricle_server.gateway.session.endpoint import Opening, RefusalAnswer
from auricle_server.gateway.session.file_endpoint import FileJob, Upload, json_answer
from auricle_server.model_info import ModelInfo

UNSERVED_HEADER: Final = "Auricle-Unserved"
"""Of the answer to an upgrade request: the parameters that ask for what is not served."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _DeepgramEndpoint:
    """What the ways in have in common.

    Args:
        clock: The time in the form of RFC 3339.
    """

    name = "deepgram"
    paths: tuple[str, ...] = ("/v1/listen",)
    foreign_models: tuple[str, ...] = DEEPGRAM_MODELS

    def __init__(self, clock: Callable[[], str] = _now) -> None:
        self._clock = clock

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.authorization`."""
        return authorization(headers)

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`."""
        return refusal_answer(refusal)

    def _request(self) -> ListenRequest:
        return ListenRequest(str(uuid.uuid4()), self._clock())


class ListenEndpoint(_DeepgramEndpoint):
    """Deepgram's ``/v1/listen`` for live streams."""

    def model(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.model`."""
        return query.get("model")

    def open(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo | None) -> Opening:  # noqa: ARG002
        """As `Endpoint.open`."""
        start, options = read_query(query)
        request = self._request()
        channels = options.audio.channels if options.audio.split else 1
        count = ChannelCount(channels, channels)
        first, *others = (
            ListenDialect(options, start.text_format, request, channel, count) for channel in range(channels)
        )
        headers_back = _headers(request, options)
        return Opening(first, start, headers_back, key_subprotocol(headers), others=tuple(others))


class ListenFileEndpoint(_DeepgramEndpoint):
    """Deepgram's ``/v1/listen`` for recordings, which are the body of the request."""

    def model(self, query: MultiMapping[str], fields: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `FileEndpoint.model`."""
        return query.get("model")

    def check(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo) -> None:  # noqa: ARG002
        """As `FileEndpoint.check`."""
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json":
            raise BadRequest("the server fetches no url; send the recording itself as the body")
        read_file_query(query)

    def open(self, upload: Upload, model: ModelInfo) -> FileJob:  # noqa: ARG002
        """As `FileEndpoint.open`."""
        asked, request = read_file_query(upload.query), self._request()
        writer = RecordingResults(request, asked)
        headers = _headers(request, asked.options)
        return FileJob(
            asked.start,
            lambda transcript: json_answer(writer.answer(transcript), headers),
            split=asked.multichannel,
            raw=asked.raw,
        )


def _headers(request: ListenRequest, options: ListenOptions) -> dict[str, str]:
    headers = {"dg-request-id": request.request_id}
    if options.unserved:
        headers[UNSERVED_HEADER] = ", ".join(options.unserved)
    return headers
