"""How much audio was sent, in portions."""

from __future__ import annotations

_PORTION_SECONDS = 5.0


class UsageMeter:
    """Adds up seconds of audio and gives them out in portions of about five."""

    def __init__(self) -> None:
        self._unreported = 0.0

    def add(self, seconds: float) -> float:
        """Counts `seconds`; returns the seconds to report now, 0 as long as they are few."""
        self._unreported += seconds
        return self.rest() if self._unreported >= _PORTION_SECONDS else 0.0

    def rest(self) -> float:
        """Whatever has not been reported; it counts as reported then."""
        seconds, self._unreported = self._unreported, 0.0
        return seconds
