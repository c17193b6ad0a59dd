"""Why audio in a container cannot be decoded."""

from __future__ import annotations


class UndecodableAudio(Exception):
    """The bytes are not what they should be, or hold what is not supported.

    Attributes:
        message: A sentence that a person can act on.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
