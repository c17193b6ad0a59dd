"""The input of a stream, from caller to replay buffer: wakes the task, and holds back a caller that is too fast."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from auricle._stream.replay_buffer import ReplayBuffer
from auricle.protocol.client_messages import End, Finalize, Outgoing, Update

SEND_BUFFER_SECONDS = 2.0
"""Audio that may wait on a healthy connection: enough for the jitter of a network, too little to fall far behind."""


class StreamInput:
    """Between a stream's caller and its task.

    Args:
        replay_buffer: Takes everything.
        send_buffer_seconds: Audio that may wait to be sent.
    """

    def __init__(self, replay_buffer: ReplayBuffer, send_buffer_seconds: float = SEND_BUFFER_SECONDS) -> None:
        self._replay_buffer = replay_buffer
        self._window = SendWindow(send_buffer_seconds, SEND_BUFFER_SECONDS)
        self._added = asyncio.Event()
        self._capacity_changed = asyncio.Event()
        self._retry = asyncio.Event()
        self._closed = False

    # --- for the caller ----------------------------------------------------------------------------------------------

    def add_audio(self, pcm: bytes) -> None:
        """Adds a whole number of samples, whatever the capacity."""
        self._replay_buffer.add_audio(pcm)
        self._added.set()

    def add_message(self, message: Update | Finalize | End) -> None:
        """Adds a message after all audio so far."""
        self._replay_buffer.add_message(message)
        self._added.set()

    @property
    def has_capacity(self) -> bool:
        """Whether more audio may be added; always once the input is closed, so that no caller waits in vain."""
        buffer = self._replay_buffer
        return self._closed or self._window.allows(buffer.unsent_seconds, buffer.audio_seconds, _now())

    async def wait_for_capacity(self) -> None:
        """Waits until more audio may be added."""
        while not self.has_capacity:
            await self._capacity_changed.wait()

    def retry(self) -> None:
        """Ends a wait for the next attempt to connect."""
        self._retry.set()

    # --- for the task ------------------------------------------------------------------------------------------------

    @property
    def is_stalled(self) -> bool:
        """Whether so much audio waits that the server seems to take none."""
        buffer = self._replay_buffer
        return self._window.stalls(buffer.unsent_seconds, buffer.audio_seconds, _now())

    async def next_unsent(self) -> Outgoing:
        """What to send next; waits until there is something."""
        # Nothing is awaited between the look and `clear`, so input that comes meanwhile is not missed.
        while (outgoing := self._replay_buffer.next_unsent()) is None:
            self._added.clear()
            await self._added.wait()
        return outgoing

    async def wait_for_input(self) -> None:
        """Waits until something is added that `next_unsent` has not seen."""
        await self._added.wait()

    async def wait_for_retry(self, seconds: float) -> None:
        """Waits for the moment of the next attempt to connect, which the caller may call for."""
        self._retry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._retry.wait()

    def sent(self) -> None:
        """The connection has taken what `next_unsent` returned."""
        self._window.sent(self._replay_buffer.unsent_seconds)
        self._notify_capacity()

    def interrupted(self) -> None:
        """There is no connection now."""
        self._window.interrupted(self._replay_buffer.audio_seconds, _now())

    def reopen(self) -> None:
        """The stream goes on after `close`."""
        self._closed = False

    def close(self) -> None:
        """The stream is over: nothing that is added will be sent."""
        self._closed = True
        self._notify_capacity()

    def _notify_capacity(self) -> None:
        """Wakes all that wait for capacity; each checks again."""
        # Replaced and not cleared: of several waiting callers, none may clear it before the others have looked.
        self._capacity_changed.set()
        self._capacity_changed = asyncio.Event()


class SendWindow:
    """Decides whether more audio may be added now. Numbers only: times come in.

    With a healthy connection the bound is `seconds` of unsent audio. After an interruption everything held is unsent
    again while a live speaker goes on talking. So until that is caught up, audio is accepted at real-time speed: a
    microphone is never held back, while a file, which is read faster than it plays, waits for the new connection.

    Args:
        seconds: Unsent audio allowed at any time, and how far a caller may be ahead of real time.
        stall_seconds: The same bound for detecting a server that takes no audio: a caller that may run far ahead must
            not delay the moment at which such a server is given up.
    """

    def __init__(self, seconds: float, stall_seconds: float | None = None) -> None:
        self._seconds = seconds
        self._stall_seconds = seconds if stall_seconds is None else min(seconds, stall_seconds)
        self._interrupted_at: float | None = None
        self._added_then = 0.0

    def interrupted(self, added_seconds: float, now: float) -> None:
        """The connection is gone, after `added_seconds` of audio in all."""
        # A break before the backlog of the last one is sent continues that one: the speaker never stopped.
        if self._interrupted_at is None:
            self._interrupted_at, self._added_then = now, added_seconds

    def sent(self, unsent_seconds: float) -> None:
        """The connection took some audio, and `unsent_seconds` are left; little enough means that it has caught up."""
        if unsent_seconds < self._stall_seconds:
            self._interrupted_at = None

    def allows(self, unsent_seconds: float, added_seconds: float, now: float) -> bool:
        """Whether a caller may add more after `added_seconds` of audio in all, of which `unsent_seconds` are unsent."""
        return self._fits(self._seconds, unsent_seconds, added_seconds, now)

    def stalls(self, unsent_seconds: float, added_seconds: float, now: float) -> bool:
        """Whether more audio waits than a server that takes audio would leave unsent."""
        return not self._fits(self._stall_seconds, unsent_seconds, added_seconds, now)

    def _fits(self, bound: float, unsent_seconds: float, added_seconds: float, now: float) -> bool:
        if unsent_seconds < bound:
            return True
        since = self._interrupted_at
        return since is not None and added_seconds - self._added_then < bound + now - since


def _now() -> float:
    return asyncio.get_running_loop().time()
