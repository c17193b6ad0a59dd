"""`GET /v1/models` and `GET /v1/models/{id}`, and `POST /v1/audio/translations`, which is refused."""

from __future__ import annotations

from typing import Any, Literal

from multidict import MultiMapping

from auricle.protocol.settings import brief
from auricle_server.gateway.errors import BadRequest, Refusal, UnknownModel
from auricle_server.gateway.session.endpoint import RefusalAnswer
from auricle_server.gateway.session.file_endpoint import HttpAnswer, Question, json_answer
from auricle_server.gateway.session.openai_errors import OPENAI_MODELS, refusal_answer
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
    """See `QuestionEndpoint`. An id stands for the model for which it does where recordings are sent."""

    method: Literal["GET", "POST"] = "GET"
    paths: tuple[str, ...] = ("/v1/models", "/v1/models/{id:.+}")

    def answer(self, question: Question) -> HttpAnswer:
        """As `QuestionEndpoint.answer`."""
        if "id" in question.parts:
            return json_answer(_model(_named(question.parts["id"], question)))
        return json_answer({"object": "list", "data": [_model(model) for model in question.models]})


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


def _named(name: str, question: Question) -> ModelInfo:
    """As `ModelPools.find_tolerant`."""
    named = [model for model in question.models if name in {model.name, model.source}]
    if named or len(question.models) == 1 or name.lower().startswith(OPENAI_MODELS):
        return named[0] if named else question.model
    served = ", ".join(model.name for model in question.models)
    raise UnknownModel(f"model: this server has {served}, not {brief(name)}")


def _model(model: ModelInfo) -> dict[str, Any]:
    hub = model.source or model.name
    owner = hub.partition("/")[0] if "/" in hub else "auricle"
    about = {"id": model.name, "object": "model", "created": _UNKNOWN_TIME, "owned_by": owner}
    # Beside OpenAI's fields, which its clients leave aside: what a client may ask of the model.
    return about | {
        "source": model.source,
        "languages": model.languages,
        "default_language": model.default_language,
        "latencies_ms": model.latencies_ms,
        "default_latency_ms": model.default_latency_ms,
    }
