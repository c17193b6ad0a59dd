"""Counts and logs the connections that the server closes before they are streams."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Literal

from auricle_server.gateway.listening.pending_connections import Crowd
from auricle_server.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

LOG_SECONDS = 5.0
"""Connections that are closed within this time share one line of the log: an attacker must not fill it."""
Reason = Crowd | Literal["slow", "descriptors", "malformed", "large", "tls"]
"""``"slow"``: no whole request in time; ``"descriptors"``: another connection needed its descriptor; ``"malformed"``:
what came is no HTTP; ``"large"``: too many bytes of headers; ``"tls"``: no TLS; for the others see `Crowd`."""


class Closures:
    """What has been closed. To be used on the event loop.

    Args:
        metrics: Of the gateway.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counts: Counter[tuple[Reason, str]] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, reason: Reason, address: str) -> None:
        """A connection of `address` is closed."""
        self._metrics.connections_closed.labels(reason).inc()
        self._counts[reason, address] += 1
        if self._timer is None:
            # The first of a series is logged at once.
            self._log()
            self._timer = asyncio.get_running_loop().call_later(LOG_SECONDS, self._end_series)

    def _end_series(self) -> None:
        self._timer = None
        if self._counts:
            self._log()
            self._timer = asyncio.get_running_loop().call_later(LOG_SECONDS, self._end_series)

    def _log(self) -> None:
        for reason in {reason for reason, _ in self._counts}:
            of_address = Counter({address: n for (each, address), n in self._counts.items() if each == reason})
            [(address, most)] = of_address.most_common(1)
            detail = reason, of_address.total(), len(of_address), address, most
            log.warning("closed without a stream reason=%s count=%d addresses=%d most=%s (%d)", *detail)
        self._counts.clear()

    def close(self) -> None:
        """Logs what is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._log()
