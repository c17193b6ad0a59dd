"""The input of a stream, from caller to replay buffer: wakes the task, and holds back a caller that is too fast."""

from __future__ import annotations

import asyncio

from auricle._stream.replay_buffer import ReplayBuffer
from auricle._stream.send_window import SendWindow
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

    # --- for the task ------------------------------------------------------------------------------------------------

    @property
    def is_stalled(self) -> bool:
        """Whether so much audio waits that the server seems to take none."""
        buffer = self._replay_buffer
        return self._window.stalls(buffer.unsent_seconds, buffer.audio_seconds, _now())

    async def next_unsent(self) -> Outgoing:
        """What to send next; waits until there is something."""
        while (outgoing := self._replay_buffer.next_unsent()) is None:
            self._added.clear()
            await self._added.wait()
        return outgoing

    async def wait_for_input(self) -> None:
        """Waits until something is added that `next_unsent` has not seen."""
        await self._added.wait()

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
        self._capacity_changed.set()
        self._capacity_changed = asyncio.Event()


def _now() -> float:
    return asyncio.get_running_loop().time()
