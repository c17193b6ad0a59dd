"""What the streams of keys use, as metrics and as lines in a file."""

from __future__ import annotations

import datetime as dt
import time

from auricle_server.gateway.keys.api_key import ApiKey
from auricle_server.gateway.keys.key_limits import KeyLease
from auricle_server.gateway.keys.usage_log import UsageLog
from auricle_server.telemetry.metrics import Metrics

REPORT_SECONDS = 60.0
"""How often a running stream gets a line: more than that is never lost with a gateway."""


class StreamUsage:
    """One stream of a key.

    Args:
        key: Of its client.
        lease: Counts the stream among those that the key may have.
        metrics: Of the gateway.
        usage_log: Gets the lines; None writes none.

    Attributes:
        over: Whether the stream has ended.
    """

    def __init__(self, key: ApiKey, lease: KeyLease, metrics: Metrics, usage_log: UsageLog | None) -> None:
        self.over = False
        self._session = ""
        self._key = key
        self._lease = lease
        # Found once: results come many times a second.
        self._audio_metric = metrics.key_audio_seconds.labels(key.name)
        self._finals_metric = metrics.key_finals.labels(key.name)
        self._streams_metric = metrics.key_streams.labels(key.name)
        self._opened_metric = metrics.key_opened.labels(key.name)
        self._usage_log = usage_log
        self._reported_at = time.monotonic()
        self._reports = 0
        self._audio_seconds = 0.0
        self._finals = 0

    def begin(self, session: str) -> None:
        """The stream has its slot.

        Args:
            session: Its name, for the lines.
        """
        self._session = session
        self._streams_metric.inc()
        self._opened_metric.inc()

    def add(self, audio_seconds: float, finals: int) -> None:
        """Counts audio that was recognised, and finals that were sent."""
        self._audio_seconds += audio_seconds
        self._finals += finals
        self._audio_metric.inc(audio_seconds)
        self._finals_metric.inc(finals)

    def report(self, now: float) -> None:
        """Writes a line when a minute has passed since the last one."""
        if now - self._reported_at >= REPORT_SECONDS:
            self._write(now)

    def end(self) -> None:
        """The stream has ended; may be called twice."""
        if self.over:
            return
        self.over = True
        self._lease.release()
        self._streams_metric.dec()
        self._write(time.monotonic())

    def lose(self) -> None:
        """The server fails the stream, which its client will open again."""
        self._lease.lose()

    def cancel(self) -> None:
        """The stream never got a slot."""
        self.over = True
        self._lease.cancel()

    def _write(self, now: float) -> None:
        if self._usage_log is not None:
            # Each line has what is new since the last, so that the sums over all lines are right.
            self._usage_log.write(
                {
                    "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
                    "key": self._key.name,
                    "session": self._session,
                    "streams": int(self._reports == 0),
                    "audio_seconds": round(self._audio_seconds, 3),
                    "finals": self._finals,
                    "ended": self.over,
                }
            )
        self._reports += 1
        self._reported_at, self._audio_seconds, self._finals = now, 0.0, 0
