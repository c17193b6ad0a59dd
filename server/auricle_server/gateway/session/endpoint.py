"""A WebSocket path at which clients of another server's wire format open streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from multidict import MultiMapping

from auricle.protocol.client_messages import Start
from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.dialect import Dialect
from auricle_server.model_info import ModelInfo


@dataclass(frozen=True, slots=True)
class Opening:
    """What an upgrade request asks for.

    Attributes:
        dialect: Of this connection.
        start: Begins the stream right after the upgrade; None where the client's first messages say what it wants.
        headers: Of the answer.
        others: The dialects of the other channels, where each is a stream of its own; they have the same `start`.
        subprotocol: Of the answer, when the client has offered it; empty for none.
        greeting: Messages for which the client waits before it sends any.
    """

    dialect: Dialect
    start: Start | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    subprotocol: str = ""
    others: tuple[Dialect, ...] = ()
    greeting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalAnswer:
    """How a format refuses: the body of the answer, as JSON, and headers beside ``Retry-After``.

    Attributes:
        status: HTTP status, where the format's clients expect another one than the refusal's; None for that.
    """

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None


class Endpoint(Protocol):
    """A wire format's way in.

    Attributes:
        name: Of the format, in logs and metrics.
        paths: Where it listens.
        foreign_models: Beginnings of the names of the other server's models, which its clients ask for without a
            thought: they stand for the default.
    """

    name: str
    paths: tuple[str, ...]
    foreign_models: tuple[str, ...]

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:
        """The key in the request, as a value for the header ``Authorization``; None when there is none.

        Args:
            query: Of the URL.
            headers: Of the request.
        """

    def model(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:
        """The name of the model in the request; None when there is none.

        Args:
            query: Of the URL.
            headers: Of the request.
        """

    def open(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo | None) -> Opening:
        """Reads an upgrade request.

        Args:
            query: Of the URL.
            headers: Of the request.
            model: The one that the request names, or the default; None before its first worker is ready.

        Raises:
            Refusal: The request asks for something that cannot be.
        """

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """How the format says that a stream is refused."""
