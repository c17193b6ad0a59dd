"""What one session's events add to the gateway's metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from auricle.protocol.server_messages import Error, Final, ServerEvent, TurnEnd
from auricle_server.metrics import Metrics


class SessionMetrics:
    """Counts the events of one session.

    Args:
        metrics: Of the gateway.
        clock: Monotonic seconds.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._audio_time = 0.0
        self._asked: dict[str, float] = {}

    def on_finalize(self, finalize_id: str) -> None:
        """A finalize has come."""
        self._asked[finalize_id] = self._clock()

    def on_events(self, events: Iterable[ServerEvent], audio_time: float) -> None:
        """Events for the client, when results rest on `audio_time` seconds of its audio."""
        if audio_time > self._audio_time:
            self._metrics.audio_seconds.inc(audio_time - self._audio_time)
            self._audio_time = audio_time
        for event in events:
            if isinstance(event, TurnEnd):
                self._metrics.turn_ends.inc()
            elif isinstance(event, Final) and event.finalize_id is not None:
                asked = self._asked.pop(event.finalize_id, None)
                if asked is not None:
                    self._metrics.finalize_seconds.observe(self._clock() - asked)
            elif isinstance(event, Error):
                self._metrics.errors.labels(event.code).inc()

    def on_resumed(self) -> None:
        """The client has resumed the stream on a new connection."""
        self._metrics.resumed.inc()
