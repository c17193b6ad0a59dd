"""What a client says with the subprotocols of its upgrade request: browsers set no headers on a WebSocket.

RFC 6455, section 1.9, has them for a choice; a name is all that a page can add to the request without writing it into
the address, which proxies log. The server answers with `SUBPROTOCOL`, and never with a name that holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SUBPROTOCOL = "auricle.v1"
"""The native protocol. A client that offers any other of these names offers this one as well, and gets it."""
TOKEN_PREFIX = "auricle.token."  # noqa: S105  # what comes before a secret
"""Before a key, or a short-lived token: in place of ``Authorization: Bearer``."""
RESUME_PREFIX = "auricle.resume."
"""Before ``TOKEN.N``: in place of ``Auricle-Resume: TOKEN N``."""
REFUSALS = "auricle.refusals"
"""A refusal comes as a fatal `Error` on an open connection, because a page does not see the answer to its request."""


@dataclass(frozen=True, slots=True)
class SubprotocolOffer:
    """The subprotocols of an upgrade request.

    Attributes:
        native: Whether `SUBPROTOCOL` is among them; the others mean nothing without it.
        token: Of the name with `TOKEN_PREFIX`; None without one.
        resume: As the value of the header ``Auricle-Resume``; None without a name with `RESUME_PREFIX`.
        explains: Whether `REFUSALS` is among them.
    """

    native: bool = False
    token: str | None = None
    resume: str | None = None
    explains: bool = False

    @classmethod
    def of(cls, values: Iterable[str]) -> SubprotocolOffer:
        """Reads the values of all headers ``Sec-WebSocket-Protocol``; of two names with one prefix, the first."""
        names = [name.strip() for value in values for name in value.split(",")]
        if SUBPROTOCOL not in names:
            return cls()
        token, resume = _after(TOKEN_PREFIX, names), _after(RESUME_PREFIX, names)
        # A token may have dots; the number of an event has none.
        resume = None if resume is None else " ".join(resume.rsplit(".", 1))
        return cls(native=True, token=token, resume=resume, explains=REFUSALS in names)

    @property
    def subprotocol(self) -> str:
        """What to answer; empty for no subprotocol."""
        return SUBPROTOCOL if self.native else ""


def _after(prefix: str, names: list[str]) -> str | None:
    return next((name.removeprefix(prefix) for name in names if name.startswith(prefix)), None)
