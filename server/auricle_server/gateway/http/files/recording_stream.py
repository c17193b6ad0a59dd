"""Feeds a channel of a recording to a session, as fast as that takes it, and collects what it says."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from aiohttp import web

from auricle.protocol.client_messages import End
from auricle.protocol.server_messages import Error, Interim, Ready, ServerEvent
from auricle_server.audio_files import AudioFile, UnreadableAudio
from auricle_server.gateway.errors import ServerFault, refusal_of
from auricle_server.gateway.http.connections import until_served
from auricle_server.gateway.session.dialect import AudioProgress, EndAnswered, Input, Output
from auricle_server.gateway.session.file_endpoint import ChannelTranscript
from auricle_server.gateway.session.session import NORMAL, Session

log = logging.getLogger(__name__)

_END = "end"
"""The one text message that the lane gives to its session."""
_BLOCKS = 10
"""Blocks of 100 ms that are decoded at a time, in another thread."""

SendText = Callable[[str], Awaitable[None]]


class RecordingDialect:
    """What a session needs to know of the file lane; see `Dialect`.

    Args:
        name: Of the format.
        encode: As `FileJob.encode`.

    Attributes:
        events: All so far, interims aside.
    """

    follows_audio = False

    def __init__(self, name: str, encode: Callable[[ServerEvent], str] | None) -> None:
        self.name = name
        self.ended = False
        self.events: list[ServerEvent] = []
        self._encode = encode

    def receive_text(self, _: str) -> Sequence[Input]:
        """The recording is over."""
        self.ended = True
        return (End(),)

    def receive_audio(self, data: bytes) -> bytes:
        """As `Dialect.receive_audio`."""
        return data

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`."""
        if isinstance(output, AudioProgress | EndAnswered | Interim) or (isinstance(output, Error) and output.fatal):
            return ()
        self.events.append(output)
        text = "" if self._encode is None else self._encode(output)
        return (text,) if text else ()

    def close_code(self, code: str | None) -> int:
        """As `Dialect.close_code`; there is no WebSocket, and only the end of the conversation counts."""
        return NORMAL if code is None else NORMAL + 1


class RecordingStream:
    """One channel of a recording and its session; a `ConnectionHandler`.

    Args:
        request: The client's.
        dialect: Of the session.
        audio: The recording, which no one else reads meanwhile.
        channel: The one to transcribe, from 1; None for the mix of all.
        send: Sends what the dialect writes at once.
        stall_seconds: Longest time that one text may wait for a client that does not read.

    Attributes:
        session: What the recording is fed to; to be set before `run`.
        cut: As `ConnectionHandler.cut`.
        ran: Whether `run` was called, whose caller lets the session go afterwards.
        damage: Why the recording could not be read to its end; None when it could.
    """

    session: Session

    def __init__(
        self,
        request: web.Request,
        dialect: RecordingDialect,
        audio: AudioFile,
        channel: int | None,
        send: SendText,
        stall_seconds: float,
    ) -> None:
        self.cut = self.ran = False
        self.damage: str | None = None
        self._request = request
        self._dialect = dialect
        self._audio = audio
        self._channel = channel
        self._send = send
        self._stall_seconds = stall_seconds
        self._output, self._input, self._gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._sending_since: float | None = None

    def wake(self) -> None:
        """The session may have said something, or accept input again."""
        if self.session.has_output:
            self._output.set()
        self._input.set()

    async def run(self) -> ChannelTranscript:
        """Transcribes the channel.

        Raises:
            Refusal: The stream has failed.
            UnreadableAudio: Nothing of the recording can be read.
            ConnectionError: The client has gone.
        """
        self.ran = True
        if not await until_served(self._feed(), self._collect(), self._gone):
            raise ConnectionResetError("the client has gone")
        return self._transcript()

    def _transcript(self) -> ChannelTranscript:
        if self.session.failure is not None:
            raise refusal_of(self.session.failure)
        match self._dialect.events:
            case [Ready() as ready, *events]:
                return ChannelTranscript(ready, tuple(events))
        raise ServerFault("the stream ended before it began")

    async def _feed(self) -> None:
        reader = BlockReader(self._audio, self._channel)
        try:
            while not reader.over:
                block = await asyncio.to_thread(reader.read)
                while not self.session.accepts_input:
                    self._input.clear()
                    await self._input.wait()
                if self.session.done:
                    return
                if block:
                    self.session.receive_binary(block)
        finally:
            await asyncio.to_thread(reader.close)
        self.damage = reader.damage
        self.session.receive_text(_END)

    async def _collect(self) -> None:
        while True:
            await self._output.wait()
            self._output.clear()
            while (text := self.session.next_text()) is not None:
                self._sending_since = time.monotonic()
                await self._send(text)
                self._sending_since = None
            self._input.set()
            if self.session.done:
                return

    def check_timeouts(self) -> None:
        """Once a second: ends what is idle, and notices a client that has gone or does not read."""
        self.session.check_idle()
        transport, since = self._request.transport, self._sending_since
        if transport is None or transport.is_closing():
            self.cut = True
            self._gone.set()
        elif since is not None and time.monotonic() - since > self._stall_seconds:
            log.warning("client does not read session=%s", self.session.name)
            self.abort()

    def detach(self) -> None:
        """As `abort`: no other connection takes over."""
        self.abort()

    def abort(self) -> None:
        """Cuts the connection."""
        self.cut = True
        self._gone.set()
        if self._request.transport is not None:
            self._request.transport.abort()


class BlockReader:
    """Reads a channel of a recording, about a second at a time. Its methods may run in any thread.

    Args:
        audio: The recording.
        channel: As for `RecordingStream`.

    Attributes:
        over: Whether all is read.
        damage: Why the recording could not be read to its end; None when it could.
    """

    def __init__(self, audio: AudioFile, channel: int | None) -> None:
        self.over = False
        self.damage: str | None = None
        self._blocks = audio.blocks(channel)
        self._began = False
        # A task that is cancelled leaves its thread reading.
        self._lock = threading.Lock()

    def read(self) -> bytes:
        """The next 16 kHz PCM; may be empty before the end.

        Raises:
            UnreadableAudio: Nothing of the recording can be read.
        """
        with self._lock:
            taken: list[bytes] = []
            try:
                taken.extend(islice(self._blocks, _BLOCKS))
            except UnreadableAudio as error:
                if not (self._began or any(taken)):
                    raise
                self.damage = str(error)
            self._began |= any(map(len, taken))
            self.over = self.damage is not None or len(taken) < _BLOCKS
            return b"".join(taken)

    def close(self) -> None:
        """Ends the reading."""
        with self._lock:
            self._blocks.close()
