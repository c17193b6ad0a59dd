"""What a token says: whose it is, until when, and how much of the key it may use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

LONGEST_SECONDS = 3600
"""A token is for a page that is about to be used; who needs more has a key."""
DEFAULT_SECONDS = 60
MOST_STREAMS = 1_000_000
MOST_STREAM_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """The content of a token, which its signature guarantees.

    Attributes:
        key: Name of the key that it stands for.
        fingerprint: Of that key: another key of the same name has another one.
        identity: Its own, drawn at random; its streams are counted under it.
        expires: Unix seconds from which on it opens no stream.
        max_streams: Streams that it may have at once; None leaves that to the key.
        max_stream_seconds: Longest audio of each of its streams; None leaves that to the server.
    """

    key: str
    fingerprint: str
    identity: str
    expires: int
    max_streams: int | None = None
    max_stream_seconds: int | None = None

    def expired(self, now: datetime) -> bool:
        """Whether it opens no more streams at `now`."""
        return now.timestamp() >= self.expires

    @property
    def expires_at(self) -> datetime:
        """The end of its life, in UTC."""
        return datetime.fromtimestamp(self.expires, UTC)
