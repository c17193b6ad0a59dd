"""`GET /v1/models` and `GET /v1/models/{id}`, and `POST /v1/audio/translations`, which is refused."""

from __future__ import annotations

from typing import Any, Literal

from multidict import MultiMapping

from auricle_server.gateway.errors import BadRequest, Refusal
from auricle_server.gateway.session.endpoint import RefusalAnswer
from auricle_server.gateway.session.file_endpoint import HttpAnswer, Question, json_answer
from auricle_server.gateway.session.openai_errors import refusal_answer
from auricle_server.model_info import ModelInfo

_UNKNOWN_TIME = 0
"""When the model was created; its file does not say."""


class _OpenAiQuestion:
    """What holds for every request without a recording."""

    name = "openai_files"

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:  # noqa: ARG002
        """As `Endpoint.authorization`: ``Bearer KEY``."""
        return headers.get("Authorization")

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`."""
        return refusal_answer(refusal)


class ModelsEndpoint(_OpenAiQuestion):
    """See `QuestionEndpoint`. Every id stands for the server's model, as it does where recordings are sent."""

    method: Literal["GET", "POST"] = "GET"
    paths: tuple[str, ...] = ("/v1/models", "/v1/models/{id:.+}")

    def answer(self, question: Question) -> HttpAnswer:
        """As `QuestionEndpoint.answer`."""
        described = _model(question.model)
        return json_answer(described if "id" in question.parts else {"object": "list", "data": [described]})


class TranslationsEndpoint(_OpenAiQuestion):
    """See `QuestionEndpoint`. A recording that is sent here is not even received."""

    method: Literal["GET", "POST"] = "POST"
    paths: tuple[str, ...] = ("/v1/audio/translations",)

    def answer(self, question: Question) -> HttpAnswer:
        """As `QuestionEndpoint.answer`."""
        raise BadRequest(
            f"the model {question.model.name} writes what is said in the language in which it is said, and does not "
            "translate; use /v1/audio/transcriptions"
        )


def _model(model: ModelInfo) -> dict[str, Any]:
    owner = model.name.partition("/")[0] if "/" in model.name else "auricle"
    return {"id": model.name, "object": "model", "created": _UNKNOWN_TIME, "owned_by": owner}
