"""The upgrade request of Deepgram Flux."""

from __future__ import annotations

import uuid

from multidict import MultiMapping

from auricle.protocol.settings import InvalidMessage
from auricle_server.gateway.dialects.flux.dialect import FluxDialect
from auricle_server.gateway.dialects.flux.settings import read_settings, read_start, unserved
from auricle_server.gateway.errors import BadRequest, Refusal
from auricle_server.gateway.session.deepgram_requests import authorization, key_subprotocol, refusal_answer
from auricle_server.gateway.session.endpoint import Opening, RefusalAnswer
from auricle_server.gateway.session.formats.deepgram_audio import DeepgramSamples
from auricle_server.model_info import ModelInfo


class FluxEndpoint:
    """Where clients of Flux come in."""

    name = "flux"
    paths: tuple[str, ...] = ("/v2/listen",)
    foreign_models: tuple[str, ...] = ("flux-",)

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.authorization`."""
        return authorization(headers)

    def model(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.model`."""
        return query.get("model")

    def open(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo | None) -> Opening:
        """As `Endpoint.open`."""
        languages = () if model is None else model.languages
        request_id, name = str(uuid.uuid4()), query.get("model", "")
        try:
            settings = read_settings(query)
            start, audio = read_start(query, settings, languages)
        except InvalidMessage as error:
            raise BadRequest(str(error)) from error
        dialect = FluxDialect(request_id, name, settings, languages, DeepgramSamples(audio), unserved(query))
        return Opening(dialect, start, {"dg-request-id": request_id}, key_subprotocol(headers))

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`."""
        return refusal_answer(refusal)
