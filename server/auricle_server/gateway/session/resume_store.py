"""Clients whose connection was cut, and how they come back to their streams."""

from __future__ import annotations

from collections.abc import Callable

from auricle_server.gateway.session.session import Session


class ResumeStore:
    """Sessions by resume token.

    Those in use are here too: a client may find its connection cut long before the server does.

    Args:
        seconds: How long a session without a connection is kept.
        clock: Monotonic seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._cut: dict[Session, float] = {}

    def __len__(self) -> int:
        """Sessions without a connection."""
        return len(self._cut)

    def expect(self, session: Session) -> None:
        """The session has a connection, and may be asked for on another one."""
        self._cut.pop(session, None)
        if session.token is not None:
            self._sessions[session.token] = session

    def find(self, token: str, seq: int) -> Session | None:
        """The session that a client who has had the events up to number `seq` comes back to; None for a new stream."""
        session = self._sessions.get(token)
        return session if session is not None and session.can_rejoin(seq) else None

    def keep(self, session: Session) -> bool:
        """Keeps a session whose connection was cut; returns False when there is nobody to keep it for."""
        if session.token is None or not session.resumable:
            return False
        self._cut[session] = self._clock()
        return True

    def expire(self) -> None:
        """Gives up those for whom nobody came in time."""
        now = self._clock()
        for session in [session for session, since in self._cut.items() if now - since >= self._seconds]:
            self.forget(session)
            session.leave()

    def forget(self, session: Session) -> None:
        """Nobody will ask for it any more."""
        if session.token is not None:
            self._sessions.pop(session.token, None)
        self._cut.pop(session, None)

    def give_up(self) -> None:
        """Gives up all that have no connection."""
        for session in list(self._cut):
            self.forget(session)
            session.leave()
