"""Several streams on one connection, one for each channel of its audio.

The first is the connection's session; the others belong to it. Each dialect gets all that the client sends and takes
what is its channel's.
"""

from __future__ import annotations

from auricle.protocol.client_messages import Start
from auricle_server.gateway.session.session import Session


class MultichannelSession(Session):
    """The stream of the first channel, which leads those of the others; its arguments are those of `Session`.

    Attributes:
        others: The sessions of the other channels, in order; to be added before `begin`. Their `wake` is `wake_first`.
    """

    others: tuple[Session, ...] = ()

    @property
    def _open(self) -> tuple[Session, ...]:
        return tuple(other for other in self.others if other.close_code is None)

    def wake_first(self) -> None:
        """Another channel may have something to say, or has ended. The failure of one ends the connection."""
        failed = next((other for other in self.others if other.failure is not None), None)
        if failed is not None and self.failure is None:
            self.failure, self.close_code = failed.failure, failed.close_code
            self.abandon()
        self._wake()

    # --- from the client ---------------------------------------------------------------------------------------------

    @property
    def accepts_input(self) -> bool:
        """As `Session.accepts_input`: whether every channel does."""
        return super().accepts_input and all(other.accepts_input for other in self.others)

    def begin(self, start: Start) -> None:
        """As `Session.begin`, for every channel."""
        super().begin(start)
        for other in self.others:
            if self.failure is None:
                other.begin(start)

    def receive_text(self, text: str) -> None:
        """As `Session.receive_text`, for every channel."""
        super().receive_text(text)
        for other in self.others:
            other.receive_text(text)

    def receive_binary(self, data: bytes) -> None:
        """As `Session.receive_binary`, for every channel."""
        super().receive_binary(data)
        for other in self.others:
            other.receive_binary(data)

    # --- to the client -----------------------------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """As `Session.done`: whether every channel is, or one has failed."""
        return super().done and (self.failure is not None or not self._open)

    @property
    def has_output(self) -> bool:
        """As `Session.has_output`."""
        return super().has_output or any(other.has_output for other in self.others)

    def next_text(self) -> str | None:
        """As `Session.next_text`, of the first channel that has one."""
        texts = (session.next_text() for session in self.others)
        text = super().next_text()
        return text if text is not None else next((each for each in texts if each is not None), None)

    # --- from the gateway --------------------------------------------------------------------------------------------

    def check_idle(self) -> None:
        """As `Session.check_idle`: all channels get the same audio, so the first speaks for them."""
        super().check_idle()
        if self.failure is not None:
            self._abandon_others()

    def drain(self) -> None:
        """As `Session.drain`, for every channel."""
        super().drain()
        for other in self._open:
            other.drain()

    def shut_down(self) -> None:
        """As `Session.shut_down`, for every channel."""
        for other in self._open:
            other.shut_down()
        super().shut_down()

    def abandon(self) -> None:
        """As `Session.abandon`, for every channel."""
        super().abandon()
        self._abandon_others()

    def _abandon_others(self) -> None:
        for other in self.others:
            other.abandon()
