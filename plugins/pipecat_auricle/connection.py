"""One pipeline's stream: takes what the pipeline sends without ever holding it up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from loguru import logger

from auricle import AuricleClient, ReconnectPolicy
from auricle.errors import AuricleError, Backpressure
from auricle.events import Connected, Reconnected, Reconnecting
from auricle.protocol.client_messages import End, Finalize, Start, Update
from auricle.protocol.server_messages import Ready
from pipecat_auricle.audio_format import SAMPLE_BYTES, AudioConverter


class ServiceConnection:
    """A stream of the client, which connects in the background, reconnects by itself, and replays what had no final.

    Args:
        client: Opens the stream.
        policy: Its `attempts` say when an outage is reported.
        start: Called before each attempt until the stream is connected, for the settings of that moment.
        converter: Of the audio that is sent; what it holds back goes out before a finalize and before the end.

    Attributes:
        events: The events of the stream; its error is raised there, after the events that came before it.
        ready: What the server in use offers; None before the first connection.
        over: Whether the stream has ended or failed, which whoever reads the events notes here.
        last_audio_at: When audio last came, on the monotonic clock; 0 before the first.
    """

    def __init__(
        self,
        client: AuricleClient,
        policy: ReconnectPolicy,
        start: Callable[[], Start],
        converter: AudioConverter,
    ) -> None:
        self.ready: Ready | None = None
        self.over = False
        self.last_audio_at = 0.0
        # A pipeline cannot hold a microphone back, and one frame may be longer than any bound. Audio that has no server
        # is bounded by the policy, of which the client drops the oldest; a server that takes none is given up.
        self._stream = self.events = client.stream(start, send_buffer_seconds=math.inf)
        self._converter = converter
        self._attempts = policy.attempts
        self._outage_reported = False
        self._audio_lost = False

    @property
    def is_open(self) -> bool:
        """Whether there is a stream on a server, now or when it has reconnected."""
        return self.ready is not None and not self.over

    @property
    def audio_seconds(self) -> float:
        """Seconds of audio taken so far: the clock of the events."""
        return self._stream.audio_seconds

    @property
    def awaited_audio(self) -> tuple[float, float]:
        """How many seconds of audio came so far, and up to where of them all has its final, or needs none.

        Of a stream that is over, no audio gets its final any more, nor does what comes now.
        """
        return self._stream.audio_seconds, -math.inf if self.over else self._stream.unsettled_from

    def connected(self, event: Connected | Reconnected) -> Ready:
        """Follows a connection; returns what its server offers."""
        self.ready = ready = self._stream.ready
        self._outage_reported = self._audio_lost = False
        logger.info(f"auricle: {event}; {ready.session} on {ready.model}, {ready.latency_ms} ms, {ready.language}")
        if event.lost_seconds:
            logger.warning(f"auricle: {event.lost_seconds:.1f} s of audio are lost; the outage was longer than is kept")
        return ready

    def reconnecting(self, event: Reconnecting) -> bool:
        """Logs an attempt; returns whether to report it to the application, as at most one in an outage is.

        It is reported when there was no connection before, or when the server has been full for more attempts than a
        broken one is given. Other outages end by themselves, or with an error.
        """
        # A full server is tried for as long as the call lasts: not every attempt is worth a warning.
        level = "WARNING" if event.attempt <= max(1, self._attempts) else "DEBUG"
        logger.log(level, f"auricle: {event.error}; attempt {event.attempt} to connect in {event.delay:.1f} s")
        report = not self._outage_reported and (self.ready is None or event.attempt > self._attempts)
        # One report for an outage, however many attempts it has; `connected` ends it.
        self._outage_reported |= report
        return report

    def send_audio(self, pcm: bytes) -> None:
        """Takes 16-bit audio of the stream's rate, and never waits."""
        # Also for audio that is dropped below: the microphone is on, and the turn can still end by itself.
        self.last_audio_at = time.monotonic()
        try:
            # The server refuses half a sample, and ends the stream for it.
            self._stream.send_nowait(pcm[: len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES])
        except Backpressure as error:
            if not self._audio_lost:
                logger.warning(f"auricle: audio is lost: {error}")
            self._audio_lost = True
        except AuricleError as error:
            _log_unsent(error)

    async def send(self, message: Update | Finalize | End) -> bool:
        """Takes a message, which goes out after the audio so far; returns whether there is a stream to answer it."""
        if not isinstance(message, Update) and (tail := self._converter.flush()):
            self.send_audio(tail)
        try:
            await self._send(message)
        except AuricleError as error:
            _log_unsent(error)
            return False
        return True

    async def _send(self, message: Update | Finalize | End) -> None:
        match message:
            case Finalize():
                await self._stream.finalize(message.id)
            case Update():
                await self._stream.update(
                    latency_ms=message.latency_ms,
                    language=message.language,
                    turn=message.turn,
                    keyterms=message.keyterms,
                    refine=message.refine,
                    text_format=message.text_format,
                )
            case End():
                await self._stream.end()

    def retry(self) -> None:
        """Tries to connect at once, where the stream waits for its next attempt."""
        self._stream.retry()

    async def aclose(self) -> None:
        """Drops the stream at once, with what it has not answered."""
        await self._stream.aclose()
        self.over = True


def _log_unsent(error: AuricleError) -> None:
    # The stream has failed: the iteration over its events raises the same, after the events that came before it.
    logger.debug(f"auricle: not sent: {error}")
