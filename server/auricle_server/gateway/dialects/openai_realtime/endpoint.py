"""The upgrade request of OpenAI's realtime transcription."""

from __future__ import annotations

import uuid

from multidict import MultiMapping

from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.openai_realtime.realtime_config import RealtimeConfig
from auricle_server.gateway.dialects.openai_realtime.realtime_dialect import RealtimeDialect
from auricle_server.gateway.errors import BadRequest, Refusal
from auricle_server.gateway.session.endpoint import Opening, RefusalAnswer
from auricle_server.gateway.session.formats.openai_writing import NUMERALS, text_format
from auricle_server.gateway.session.openai_errors import OPENAI_MODELS, refusal_answer
from auricle_server.model_info import ModelInfo

_SUBPROTOCOL = "realtime"
_KEY = "openai-insecure-api-key."
"""Beginning of the subprotocol with which a browser, which can set no other header, sends its key."""


class RealtimeEndpoint:
    """Where clients of OpenAI's realtime transcription come in."""

    name = "openai_realtime"
    paths: tuple[str, ...] = ("/v1/realtime",)
    foreign_models: tuple[str, ...] = OPENAI_MODELS

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.authorization`."""
        given = headers.get("Authorization")
        keys = [each.removeprefix(_KEY) for each in _subprotocols(headers) if each.startswith(_KEY)]
        key = next(iter(keys), headers.get("api-key"))  # the header of Azure's address
        return given if given is not None or key is None else f"Bearer {key}"

    def model(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.model`."""
        return query.get("model")

    def open(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo | None) -> Opening:
        """As `Endpoint.open`."""
        latency = query.get("latency_ms", "")
        if latency and not (latency.isascii() and latency.isdigit() and len(latency) < 9):
            raise BadRequest("latency_ms: expected a whole number")
        config = RealtimeConfig(
            model=query.get("model", ""),
            latency_ms=int(latency) if latency else None,
            text_format=text_format(query.get(NUMERALS)),
        )
        older = "realtime=v1" in headers.get("OpenAI-Beta", "")
        dialect = RealtimeDialect(f"sess_{uuid.uuid4().hex}", config, model, DEFAULT_LIMITS, older=older)
        subprotocol = _SUBPROTOCOL if _SUBPROTOCOL in _subprotocols(headers) else ""
        return Opening(dialect, greeting=(dialect.greeting(),), subprotocol=subprotocol)

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`."""
        return refusal_answer(refusal)


def _subprotocols(headers: MultiMapping[str]) -> list[str]:
    return [each.strip() for each in headers.get("Sec-WebSocket-Protocol", "").split(",")]
