"""What one session's events add to the gateway's metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from auricle.protocol.server_messages import Final, ServerEvent, TurnEnd
from auricle_server.metrics import Metrics


class SessionMetrics:
    """Of one session.

    Args:
        metrics: Of the gateway.
        clock: Monotonic seconds.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._asked: dict[str, float] = {}

    def ask(self, finalize_id: str) -> None:
        """A finalize has come."""
        self._asked[finalize_id] = self._clock()

    def observe(self, events: Iterable[ServerEvent], seconds: float) -> None:
        """A result has brought these events and so many seconds of audio."""
        self._metrics.audio_seconds.inc(seconds)
        for event in events:
            if isinstance(event, TurnEnd):
                self._metrics.turn_ends.inc()
            elif isinstance(event, Final) and event.finalize_id is not None:
                asked = self._asked.pop(event.finalize_id, None)
                if asked is not None:
                    self._metrics.finalize_seconds.observe(self._clock() - asked)
