"""What a fuzzing client must know of a wire format over WebSockets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol
from urllib.parse import quote

from auricle.protocol.codes import CODES

Message = dict[str, Any]
TEXT, BINARY, CLOSE = 0x81, 0x82, 0x88
"""First bytes of frames: whole messages (RFC 6455, section 5.2)."""

LATENCIES = ("80", "160", "560", "1120", "81", "-80", "", "x")
"""Chunk latencies in URLs, right and wrong ones."""
CLIENT_CODES = frozenset(
    code.close_code for code in CODES.values() if code.fault == "client" and code.close_code is not None
)
"""Close codes after a fault of the client, where a format keeps those of the native protocol."""


class Packet(NamedTuple):
    """One message of a client."""

    opcode: int
    payload: bytes


class Grammar(Protocol):
    """A wire format.

    Attributes:
        name: For the report.
        path: Of the URL.
        right: The query of a right client, without a latency.
        rate: Sample rate of a right client's audio.
        parameters: Values of the query's parameters, right and wrong ones.
        first: Messages that begin a right conversation.
        corpus: Right messages of all types, from which broken ones are made.
        acting: Types of messages that do something; a message of any other type is refused, and nothing else happens.
        refused: Broken messages of these types, which a right server refuses before it goes on.
        needless: Messages that change nothing and have no answer.
        patient: Whether the server goes on after a message that it has refused.
        answers: Types of the server's messages.
        faults: Words that stand in a message only after a fault of the server.
        close_codes: With which the server may close beside 1000, when the client is at fault.
    """

    name: str
    path: str
    right: str
    rate: int
    parameters: ClassVar[dict[str, tuple[str, ...]]]
    first: tuple[str, ...]
    corpus: tuple[str, ...]
    acting: frozenset[str]
    refused: tuple[str, ...]
    needless: tuple[str, ...]
    patient: bool
    answers: frozenset[str]
    faults: tuple[str, ...]
    close_codes: frozenset[int]

    def audio(self, pcm: bytes) -> Packet:
        """PCM as a message, which may end within a sample."""

    @property
    def finalize(self) -> str:
        """The message that makes everything final."""

    @property
    def end(self) -> str:
        """The message after which the server answers what is left and closes; empty where the client closes."""

    def words(self, messages: Sequence[Message]) -> str:
        """The final words that the server has told."""

    def answered(self, messages: Sequence[Message]) -> int:
        """How many `finalize` are answered."""

    def refusals(self, messages: Sequence[Message]) -> int:
        """How many messages of the client were refused."""


def url_of(path: str, query: Sequence[tuple[str, str]]) -> str:
    """Path and query as they stand in a request line."""
    return path + "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)


def decoded(text: bytes) -> Message:
    """A message of a server: an object of strict JSON, which has neither NaN nor infinity.

    Raises:
        ValueError: It is none.
    """
    message = json.loads(text.decode(), parse_constant=_no_json)
    if not isinstance(message, dict):
        raise TypeError(f"{message!r} is no object")
    return message


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON (RFC 8259, section 6)")


def texts_of(*messages: object) -> tuple[str, ...]:
    """Messages as JSON; half a surrogate pair stays in its escape."""
    return tuple(json.dumps(message) for message in messages)
