"""Sessions whose clients may come back on another connection after theirs was cut."""

from __future__ import annotations

from collections.abc import Callable

from auricle_server.gateway.session.native_session import NativeSession
from auricle_server.telemetry.log_context import in_stream


class ResumeStore:
    """Sessions by resume token.

    Connected sessions are here too: a client may notice that its connection is cut long before the server does.

    Args:
        seconds: How long a session without a connection is kept.
        clock: Monotonic seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sessions: dict[str, NativeSession] = {}
        self._keys: dict[NativeSession, str] = {}
        self._cut_at: dict[NativeSession, float] = {}

    def __len__(self) -> int:
        """Sessions without a connection."""
        return len(self._cut_at)

    def add(self, session: NativeSession, key: str) -> None:
        """Notes that the session has a connection; from now on it may be resumed on another one.

        Args:
            session: With the connection.
            key: Name of the API key of its client, which alone may resume it.
        """
        self._cut_at.pop(session, None)
        if session.token is not None:
            self._sessions[session.token] = session
            self._keys[session] = key

    def find(self, token: str, seq: int, key: str) -> NativeSession | None:
        """The session that a client may resume; None if there is none.

        Args:
            token: Of the session.
            seq: Number of the last event that the client has had.
            key: Name of the client's API key.
        """
        session = self._sessions.get(token)
        if session is None or self._keys[session] != key:
            return None
        return session if session.can_resume(seq) else None

    def keep(self, session: NativeSession) -> bool:
        """Keeps a session whose connection was cut, if it can be resumed; returns whether it does."""
        if session.token is None or not session.resumable:
            return False
        # The slot stays taken meanwhile: an exact resume needs the decoder's state.
        self._cut_at[session] = self._clock()
        return True

    def expire(self) -> None:
        """Abandons the sessions that were not resumed in time."""
        now = self._clock()
        self._abandon([session for session, since in self._cut_at.items() if now - since >= self._seconds])

    def abandon_all(self) -> None:
        """Abandons all sessions without a connection."""
        self._abandon(list(self._cut_at))

    def _abandon(self, sessions: list[NativeSession]) -> None:
        for session in sessions:
            self.remove(session)
            in_stream(session.record.fields, session.abandon)

    def remove(self, session: NativeSession) -> None:
        """Forgets a session, which can no longer be resumed."""
        self._keys.pop(session, None)
        if session.token is not None:
            self._sessions.pop(session.token, None)
        self._cut_at.pop(session, None)
