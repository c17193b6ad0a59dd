"""The audio of a stream that a server may still need, and how much of it the present connection has been sent.

Positions are bytes of the stream's audio, always a whole number of samples. `front` <= `cursor` <= `tail`: audio before
`front` is dropped, audio from there to `cursor` has been sent, audio from there to `tail` has not.
"""

from __future__ import annotations


class HeldAudio:
    """A window of the stream's audio.

    Args:
        limit: Bytes held at most, apart from audio that must not be dropped, see `append`.
    """

    def __init__(self, limit: int) -> None:
        self.front = 0
        self.cursor = 0
        self._limit = limit
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def tail(self) -> int:
        """Position after the last byte."""
        return self.front + len(self._bytes)

    @property
    def unsent(self) -> int:
        """Bytes after `cursor`."""
        return self.tail - self.cursor

    def append(self, pcm: bytes, *, keep_unsent: bool) -> None:
        """Adds audio and drops the oldest beyond the limit.

        Args:
            pcm: A whole number of samples.
            keep_unsent: Whether only audio that has been sent may be dropped.
        """
        self._bytes += pcm
        excess = len(self._bytes) - self._limit
        droppable = self.cursor - self.front if keep_unsent else len(self._bytes)
        if excess > 0:
            self.drop_to(self.front + min(excess, droppable))

    def read(self, size: int) -> bytes:
        """The next `size` bytes, which count as sent from now on."""
        offset = self.cursor - self.front
        self.cursor += size
        return bytes(self._bytes[offset : offset + size])

    def drop_to(self, position: int) -> None:
        """Drops the audio before `position`."""
        if position > self.front:
            del self._bytes[: position - self.front]
            self.front = position
            self.cursor = max(self.cursor, position)

    def rewind(self) -> None:
        """Everything held is unsent again."""
        self.cursor = self.front
