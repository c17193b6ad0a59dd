"""What one client is to be sent, in order, and what that adds to the gateway's metrics."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from auricle.protocol import codes
from auricle.protocol.replaceable import drop_replaced
from auricle.protocol.server_messages import Error, Final, Interim, ServerEvent, TurnEnd
from auricle_server.gateway.keys.stream_usage import StreamUsage
from auricle_server.gateway.session.dialect import AudioProgress, LateReply, Output, Reply
from auricle_server.gateway.session.notices import log_error
from auricle_server.telemetry.log_context import RequestContext
from auricle_server.telemetry.metrics import Metrics
from auricle_server.telemetry.stream_record import StreamObserver, StreamRecord


class OutgoingEvents:
    """What waits to be sent to one client. It is encoded only when it is sent.

    Args:
        encode: The texts that say it, see `Dialect.encode`.

    Attributes:
        waiting: What has not been encoded.
    """

    def __init__(self, encode: Callable[[Output], Sequence[str]]) -> None:
        self._encode = encode
        self.waiting: deque[Output | Reply | LateReply] = deque()
        self._texts: deque[str] = deque()

    def __bool__(self) -> bool:
        return bool(self.waiting or self._texts)

    def put(self, outputs: Iterable[Output | Reply | LateReply]) -> None:
        """Adds what is to be said.

        An interim replaces one that still waits before it, as its text contains the other's, while nothing but signals
        lies between; so do signals when many events wait: a client that reads slowly gets the newest only. So does the
        progress of the audio, which no other result lies between.
        """
        for output in outputs:
            told = isinstance(output, Interim | AudioProgress)
            if told and self.waiting and isinstance(self.waiting[-1], AudioProgress):
                self.waiting.pop()
            drop_replaced(self.waiting, output)
            self.waiting.append(output)

    def clear(self) -> None:
        """Drops everything that waits."""
        self.waiting.clear()
        self._texts.clear()

    def replay(self, texts: Iterable[str]) -> None:
        """Sends these texts first, on a new connection, in place of those that an earlier one was to replay."""
        self._texts = deque(texts)

    def next_text(self) -> str | None:
        """The next text; None when nothing waits."""
        # Encoded, and in the native protocol numbered, only here, so that an interim which was replaced leaves no gap.
        while not self._texts and self.waiting:
            output = self.waiting.popleft()
            self._texts.extend(self._texts_of(output))
        return self._texts.popleft() if self._texts else None

    def _texts_of(self, output: Output | Reply | LateReply) -> Sequence[str]:
        match output:
            case Reply(text):
                return (text,)
            case LateReply(make):
                return (make(),)
        return self._encode(output)


class SessionMetrics:
    """Counts the events of one session.

    Args:
        metrics: Of the gateway.
        clock: Monotonic seconds.
        usage: Counts them for the client's key as well; None on a server that counts nothing by key.
        record: Tells the logs and traces of them; None tells nothing.

    Attributes:
        record: As given.
    """

    def __init__(
        self,
        metrics: Metrics,
        clock: Callable[[], float],
        usage: StreamUsage | None = None,
        record: StreamRecord | None = None,
    ) -> None:
        self.record = record or StreamRecord(RequestContext(), StreamObserver(), clock)
        self._metrics = metrics
        self._usage = usage
        self._clock = clock
        self._audio_time = 0.0
        self._asked: dict[str, float] = {}

    @property
    def awaits_final(self) -> bool:
        """Whether the client waits for the answer to a finalize."""
        return bool(self._asked)

    def on_finalize(self, finalize_id: str) -> None:
        """A finalize has come."""
        self._asked[finalize_id] = self._clock()

    def on_events(self, events: Iterable[ServerEvent], audio_time: float) -> None:
        """Events for the client, when results rest on `audio_time` seconds of its audio."""
        new_audio, finals = audio_time - self._audio_time, 0
        if new_audio > 0:
            self._metrics.audio_seconds.inc(new_audio)
            self._audio_time = self.record.audio_time = audio_time
        for event in events:
            if isinstance(event, TurnEnd):
                self._metrics.turn_ends.inc()
                self.record.on_turn_end(event)
            elif isinstance(event, Final):
                finals += 1
                self._on_final(event)
            elif isinstance(event, Error):
                self._metrics.errors.labels(event.code).inc()
                self._on_error(event)
        if self._usage is not None and (new_audio > 0 or finals):
            self._usage.add(max(0.0, new_audio), finals)

    def _on_final(self, final: Final) -> None:
        asked = None if final.finalize_id is None else self._asked.pop(final.finalize_id, None)
        answered = None if asked is None else self._clock() - asked
        if answered is not None:
            self._metrics.finalize_seconds.observe(answered)
        self.record.on_final(final, answered)

    def _on_error(self, error: Error) -> None:
        self.record.on_error(error)
        # A stream that is refused for lack of time is not lost: it has not begun.
        if self._usage is not None and error.fatal and error.fault == "server" and error.code != codes.SERVER_FULL:
            self._usage.lose()

    def on_resumed(self) -> None:
        """The client has resumed the stream on a new connection."""
        self._metrics.resumed.inc()
        self.record.on_resumed()

    def on_release(self, close_code: int | None, failure: Error | None) -> None:
        """The stream has given its slot back; may be called twice, as `StreamRecord.end`."""
        self.record.end(close_code, failure)
        if self._usage is not None:
            self._usage.end()


def log_errors(session: str, events: Iterable[ServerEvent]) -> None:
    """Logs those of a stream's events that are errors."""
    for event in events:
        if isinstance(event, Error):
            log_error(session, event)
