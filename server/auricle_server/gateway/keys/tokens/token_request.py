"""What a client asks for when it swaps its key for a token. Pure: bytes in, a request or a refusal out."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.keys.tokens.token_claims import (
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    MOST_STREAM_SECONDS,
    MOST_STREAMS,
)

_MOST = {"expires_in": LONGEST_SECONDS, "max_streams": MOST_STREAMS, "max_stream_seconds": MOST_STREAM_SECONDS}


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The body of a request for a token.

    Attributes:
        expires_in: Seconds that the token opens streams.
        max_streams: As in `TokenClaims`.
        max_stream_seconds: As in `TokenClaims`.
    """

    expires_in: int = DEFAULT_SECONDS
    max_streams: int | None = None
    max_stream_seconds: int | None = None

    @classmethod
    def read(cls, body: bytes) -> TokenRequest:
        """Reads a JSON object; an empty body asks for nothing special.

        Raises:
            BadRequest: It is no such object, or a field of it is unknown or out of range.
        """
        if not body.strip():
            return cls()
        try:
            values = json.loads(body)
        # Deep nesting raises RecursionError, which is no ValueError.
        except (ValueError, RecursionError) as error:
            raise BadRequest('the body is no JSON; send an object like {"expires_in": 60}') from error
        if not isinstance(values, dict):
            raise BadRequest('the body is no JSON object; send one like {"expires_in": 60}')
        names = [field.name for field in fields(cls)]
        for name, value in values.items():
            if name not in names:
                raise BadRequest(f"unknown field {name[:64]!r}; expected {', '.join(names)}")
            _check(name, value)
        return cls(**{name: value for name, value in values.items() if value is not None})


def _check(name: str, value: Any) -> None:
    # bool is a subclass of int: JSON's true would pass as 1.
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (whole and 1 <= value <= _MOST[name]):
        raise BadRequest(f"{name}: expected a whole number from 1 to {_MOST[name]}")
