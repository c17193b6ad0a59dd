"""A WebSocket path at which clients of two wire formats come in, and what tells them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from multidict import MultiMapping

from auricle_server.gateway.errors import Refusal
from auricle_server.gateway.session.dialect import Dialect, Input, Output
from auricle_server.gateway.session.endpoint import Endpoint, Opening, RefusalAnswer
from auricle_server.model_info import ModelInfo


class TellingEndpoint(Endpoint, Protocol):
    """A format that knows its own clients at a path that it shares."""

    def claims(self, query: MultiMapping[str], headers: MultiMapping[str]) -> bool:
        """Whether an upgrade request is one of this format's.

        Args:
            query: Of the URL.
            headers: Of the request.
        """

    def claims_message(self, text: str) -> bool:
        """Whether the first message of a connection is one of this format's."""


class SharedPath:
    """An `Endpoint` for the clients of two formats.

    Args:
        usual: The format of all clients that the other one does not claim.
        other: Claims its own.
    """

    def __init__(self, usual: Endpoint, other: TellingEndpoint) -> None:
        assert usual.paths == other.paths, "both come in at the same paths"
        self.name = usual.name
        self.paths = usual.paths
        self.foreign_models = (*usual.foreign_models, *other.foreign_models)
        self._usual, self._other = usual, other

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:
        """As `Endpoint.authorization`."""
        return self._of(query, headers).authorization(query, headers)

    def model(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:
        """As `Endpoint.model`."""
        return self._of(query, headers).model(query, headers)

    def open(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo | None) -> Opening:
        """As `Endpoint.open`."""
        if self._other.claims(query, headers):
            return self._other.open(query, headers, model)
        opening = self._usual.open(query, headers, model)
        if model is None:
            return opening

        def build_other() -> Dialect:
            return self._other.open(query, headers, model).dialect

        return replace(opening, dialect=FirstMessageDialect(opening.dialect, self._other.claims_message, build_other))

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        """As `Endpoint.refuse`. A client of the other format reads the status alone."""
        return self._usual.refuse(refusal)

    def _of(self, query: MultiMapping[str], headers: MultiMapping[str]) -> Endpoint:
        return self._other if self._other.claims(query, headers) else self._usual


class FirstMessageDialect:
    """The dialect of a client whose first message may show that it speaks the other format; see `Dialect`.

    Args:
        usual: Of the client until then.
        claims: Whether a first message is one of the other format's.
        build_other: Makes the other format's dialect.
    """

    def __init__(self, usual: Dialect, claims: Callable[[str], bool], build_other: Callable[[], Dialect]) -> None:
        self._take(usual)
        self._choose: Callable[[str], None] | None = partial(self._take_if_claimed, claims, build_other)

    def _take_if_claimed(self, claims: Callable[[str], bool], build_other: Callable[[], Dialect], text: str) -> None:
        self._choose = None
        if claims(text):
            self._take(build_other())

    def _take(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.name, self.follows_audio = dialect.name, dialect.follows_audio

    @property
    def ended(self) -> bool:
        """As `Dialect.ended`."""
        return self._dialect.ended

    def receive_text(self, text: str) -> Sequence[Input]:
        """As `Dialect.receive_text`."""
        if self._choose is not None:
            self._choose(text)
        return self._dialect.receive_text(text)

    def receive_audio(self, data: bytes) -> bytes:
        """As `Dialect.receive_audio`."""
        return self._dialect.receive_audio(data)

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`."""
        return self._dialect.encode(output)

    def close_code(self, code: str | None) -> int:
        """As `Dialect.close_code`."""
        return self._dialect.close_code(code)
