"""The requests of NIM's realtime transcription: for a session, and for the socket in which it is held."""

from __future__ import annotations

import uuid
from typing import Literal

from multidict import MultiMapping

from auricle.protocol.codes import ProtocolViolation
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.nim_realtime.dialect import UPDATE, NimDialect
from auricle_server.gateway.dialects.nim_realtime.transcription_session import OWN_FIELDS, TranscriptionSession
from auricle_server.gateway.errors import NotReady, Refusal
from auricle_server.gateway.session.client_json import parse_object
from auricle_server.gateway.session.endpoint import Opening, RefusalAnswer
from auricle_server.gateway.session.file_endpoint import HttpAnswer, Question, json_answer
from auricle_server.gateway.session.formats.riva_settings import RIVA_MODELS
from auricle_server.gateway.session.openai_errors import error_object
from auricle_server.model_info import ModelInfo

_SUBPROTOCOL = "realtime"
_BY_SUBPROTOCOL = "realtime-token."
"""Beginning of the subprotocol in which a client sends the secret of its session."""
_SHAPE = "shape"
"""Parameter of the URL with which a client that offers no subprotocol names this format: ``shape=nim``."""


class NimRealtimeEndpoint:
    """Where clients of NIM's realtime transcription come in; a `TellingEndpoint`, as OpenAI's come in there, too."""

    name = "nim_realtime"
    paths: tuple[str, ...] = ("/v1/realtime",)
    foreign_models: tuple[str, ...] = RIVA_MODELS

    def claims(self, query: MultiMapping[str], headers: MultiMapping[str]) -> bool:
        """As `TellingEndpoint.claims`."""
        return query.get(_SHAPE) == "nim" or _secret(headers) is not None

    def claims_message(self, text: str) -> bool:
        """As `TellingEndpoint.claims_message`: only a session of this format has groups of its own names."""
        if UPDATE not in text:
            return False
        try:
            message = parse_object(text)
            session = message.nested("session")
            return message.text("type") == UPDATE and session is not None and any(map(session.__contains__, OWN_FIELDS))
        except ProtocolViolation:
            return False  # the other format words what is wrong

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.authorization`."""
        given, secret = headers.get("Authorization"), _secret(headers)
        return given if given is not None or secret is None else f"Bearer {secret}"

    def model(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.model`."""
        return query.get("model")

    def open(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo | None) -> Opening:  # noqa: ARG002
        """As `Endpoint.open`."""
        if model is None:
            raise NotReady("the model is still loading; try again later")
        dialect = NimDialect(new_session_id(), model, DEFAULT_LIMITS)
        subprotocol = _SUBPROTOCOL if _SUBPROTOCOL in _subprotocols(headers) else ""
        return Opening(dialect, greeting=(dialect.greeting(),), subprotocol=subprotocol)

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`."""
        return _refusal_answer(refusal)


class NimSessionsEndpoint:
    """Where a client asks for a session before it opens its socket: see `QuestionEndpoint`."""

    name = "nim_realtime"
    method: Literal["GET", "POST"] = "POST"
    paths: tuple[str, ...] = ("/v1/realtime/transcription_sessions",)

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.authorization`: ``Bearer KEY``, or the header ``X-API-Key``."""
        given, key = headers.get("Authorization"), headers.get("X-API-Key")
        return given if given is not None or key is None else f"Bearer {key}"

    def answer(self, question: Question) -> HttpAnswer:
        """As `QuestionEndpoint.answer`: the session before its first update, and the secret that opens the socket."""
        session = TranscriptionSession.default(question.model)
        # RFC 6749, section 5.1: no cache may keep a token.
        no_store = {"Cache-Control": "no-store"}
        return json_answer(session.as_object(new_session_id(), question.secret()), no_store)

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`."""
        return _refusal_answer(refusal)


def new_session_id() -> str:
    """A name for a session."""
    return f"sess_{uuid.uuid4()}"


def _subprotocols(headers: MultiMapping[str]) -> list[str]:
    return [each.strip() for each in headers.get("Sec-WebSocket-Protocol", "").split(",")]


def _secret(headers: MultiMapping[str]) -> str | None:
    return next(
        (each.removeprefix(_BY_SUBPROTOCOL) for each in _subprotocols(headers) if each.startswith(_BY_SUBPROTOCOL)),
        None,
    )


def _refusal_answer(refusal: Refusal) -> RefusalAnswer:
    # NVIDIA's client shows the field `detail`.
    error = error_object(refusal.code, refusal.message, status=refusal.status)
    return RefusalAnswer({"detail": refusal.message, "error": error})
