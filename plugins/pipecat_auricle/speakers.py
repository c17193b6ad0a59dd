"""Who spoke when: a transport names the user of each frame, and a transcript comes later. Pure: no clock, no frames."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

KEPT_SECONDS = 180.0
"""Longer than any segment: a server ends one after 120 s."""


@dataclass(slots=True)
class _Span:
    user_id: str
    start: float
    end: float


class SpeakerTimeline:
    """The users of one stream's audio. Times are seconds of that audio."""

    def __init__(self) -> None:
        self._spans: deque[_Span] = deque()

    def add(self, user_id: str, start: float, end: float) -> None:
        """The audio from `start` to `end` is a user's; it follows what was added before.

        Args:
            user_id: As the transport names the user; empty where it does not.
            start: Not before the end of the audio that was added last.
            end: Not before `start`.
        """
        latest = self._spans[-1] if self._spans else None
        if latest is not None and latest.user_id == user_id:
            latest.end = end
        elif end > start or latest is None:
            self._spans.append(_Span(user_id, start, end))
        while len(self._spans) > 1 and self._spans[0].end < end - KEPT_SECONDS:
            self._spans.popleft()

    def user_of(self, start: float, end: float) -> str:
        """Who spoke most of the audio from `start` to `end`; of equals, who spoke last.

        Without any audio in between it is who spoke last before `end`, or first after it; empty before all audio.
        """
        spoken: defaultdict[str, float] = defaultdict(float)
        for span in reversed(self._spans):
            shared = min(span.end, end) - max(span.start, start)
            if shared > 0:
                spoken[span.user_id] += shared
        if spoken:
            return max(spoken, key=spoken.__getitem__)
        earlier = [span.user_id for span in self._spans if span.start < end]
        return earlier[-1] if earlier else next((span.user_id for span in self._spans), "")

    def clear(self) -> None:
        """Another stream begins, on a clock that starts again."""
        self._spans.clear()
