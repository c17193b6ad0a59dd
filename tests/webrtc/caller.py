"""A caller of a bot over WebRTC: microphone, received audio, and a data channel for Pipecat's messages (RTVI)."""

from __future__ import annotations

import asyncio
import fractions
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import numpy as np
import soxr
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from tests.webrtc.clips import RATE, Pcm
from tests.webrtc.patience import PATIENCE

WIRE_RATE = 48_000  # of Opus
_FRAME = WIRE_RATE // 50
_PING_SECONDS = 1.0  # Pipecat takes a caller for gone after three without one

Message = dict[str, Any]
Exchange = Callable[[Message], Awaitable[Message]]
"""Takes an offer of WebRTC to the bot and brings its answer back."""


class Microphone(MediaStreamTrack):
    """Silence, but for what the caller says; at the speed of speech."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._unsaid = np.zeros(0, np.int16)
        self._sent = 0
        self._start = 0.0
        self._quiet = asyncio.Event()

    async def say(self, pcm: Pcm) -> None:
        """Plays audio at 16 kHz after what is still playing, and waits until all is played."""
        self._unsaid = np.concatenate([self._unsaid, soxr.resample(pcm, RATE, WIRE_RATE)])
        self._quiet.clear()
        await self._quiet.wait()

    async def recv(self) -> AudioFrame:
        """The next 20 ms."""
        if self.readyState != "live":
            raise MediaStreamError
        await self._due()
        piece, self._unsaid = self._unsaid[:_FRAME], self._unsaid[_FRAME:]
        if not len(self._unsaid):
            self._quiet.set()
        frame = AudioFrame.from_ndarray(np.pad(piece, (0, _FRAME - len(piece)))[np.newaxis], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = WIRE_RATE, self._sent, fractions.Fraction(1, WIRE_RATE)
        self._sent += _FRAME
        return frame

    async def _due(self) -> None:
        """Waits for the frame's place on an absolute schedule."""
        now = asyncio.get_running_loop().time()
        self._start = self._start or now
        await asyncio.sleep(max(0.0, self._start + self._sent / WIRE_RATE - now))


class Caller:
    """One end of a call.

    Attributes:
        microphone: Where the caller speaks.
        messages: All that came over the data channel, in order.
    """

    def __init__(self) -> None:
        self.microphone = Microphone()
        self.messages: list[Message] = []
        self._peer = RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._peer.addTransceiver(self.microphone, direction="sendrecv")
        self._peer.on("track", self._listen_to)
        self._channel = self._peer.createDataChannel("chat", ordered=True)
        self._channel.on("open", self._introduce)
        self._channel.on("message", self._take)
        self._heard: list[Pcm] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = count(1)

    async def dial(self, exchange: Exchange) -> None:
        """Calls, and waits until the bot is ready to listen."""
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = self._peer.localDescription
        answer = await exchange({"sdp": offer.sdp, "type": offer.type})
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await self.told("bot-ready")

    async def hang_up(self) -> None:
        """Ends the call."""
        await self._peer.close()
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    def of(self, kind: str) -> list[Message]:
        """The data of all messages of a type so far."""
        return [message.get("data", {}) for message in self.messages if message["type"] == kind]

    async def told(self, kind: str, accept: Callable[[Message], bool] = lambda _: True, *, times: int = 1) -> Message:
        """Waits until so many messages of a type that are accepted have come; returns the data of the last."""

        def found() -> list[Message]:
            return [data for data in self.of(kind) if accept(data)]

        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(found()) >= times)
        return found()[times - 1]

    async def told_finals(self, times: int) -> None:
        """Waits until so many final transcripts have come."""
        await self.told("user-transcription", lambda data: data["final"], times=times)

    @property
    def heard_seconds(self) -> float:
        """How long the bot has sounded so far, silence included."""
        return sum(map(len, self._heard)) / WIRE_RATE

    def heard(self) -> Pcm:
        """All that the bot has sounded so far, silence included, at 16 kHz."""
        pcm: Pcm = soxr.resample(np.concatenate([np.zeros(0, np.int16), *self._heard]), WIRE_RATE, RATE)
        return pcm

    def _listen_to(self, track: MediaStreamTrack) -> None:
        self._start_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                channels = len(frame.layout.channels)
                self._heard.append(frame.to_ndarray().astype(np.int16).reshape(-1, channels)[:, 0])
        except MediaStreamError:
            return  # the bot has hung up

    def _introduce(self) -> None:
        about = {"library": "auricle-tests"}
        self._say({"type": "client-ready", "data": {"version": "2.1.0", "about": about}})
        self._start_task(self._ping())

    def _say(self, message: Message) -> None:
        self._channel.send(json.dumps({"label": "rtvi-ai", "id": str(next(self._numbers))} | message))

    async def _ping(self) -> None:
        while self._channel.readyState == "open":
            self._channel.send("ping")
            await asyncio.sleep(_PING_SECONDS)

    async def _take(self, text: str) -> None:
        async with self._news:
            self.messages.append(json.loads(text))
            self._news.notify_all()

    def _start_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)


@asynccontextmanager
async def calling(exchange: Exchange) -> AsyncIterator[Caller]:
    """A call in progress."""
    caller = Caller()
    try:
        await caller.dial(exchange)
        yield caller
    finally:
        await caller.hang_up()
