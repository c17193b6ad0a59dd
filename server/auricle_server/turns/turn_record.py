"""The words of the turn under way, and what the client was told of its end."""

from __future__ import annotations

from auricle.protocol.server_messages import ServerEvent, TurnEagerEnd, TurnEnd, TurnResumed


class TurnRecord:
    """What one turn has said so far. Times are seconds of the stream's audio."""

    def __init__(self) -> None:
        self._finals: list[str] = []
        self._eager_text: str | None = None

    @property
    def has_words(self) -> bool:
        """Whether a final belongs to the turn."""
        return bool(self._finals)

    def add(self, text: str) -> None:
        """A final of the turn."""
        self._finals.append(text)

    def forget(self) -> None:
        """The words so far belong to no turn any more."""
        self._finals.clear()

    def weigh(
        self, open_text: str, likelihood: float | None, *, ended: bool, speech_end: float, audio_time: float
    ) -> list[ServerEvent]:
        """How the client's picture of the turn's end changes: what it was told no longer holds, or there is news.

        Args:
            open_text: The words that have no final yet.
            likelihood: That the turn has ended; None when that is not worth saying.
            ended: Whether the turn is over, or will be for the client.
            speech_end: Where the last word ended.
            audio_time: The position on which this rests.
        """
        if self._eager_text is None and (likelihood is None or ended):
            return []
        text = " ".join(filter(None, [*self._finals, open_text]))
        events: list[ServerEvent] = []
        if self._eager_text is not None and (likelihood is None or text != self._eager_text):
            self._eager_text = None
            events.append(TurnResumed(audio_time=audio_time, probability=likelihood or 0.0))
        if self._eager_text is None and likelihood is not None and not ended:
            self._eager_text = text
            events.append(TurnEagerEnd(audio_time=audio_time, probability=likelihood, speech_end=speech_end, text=text))
        return events

    def end(self, *, speech_end: float, audio_time: float, probability: float = 1.0) -> TurnEnd:
        """The end of the turn; its finals were added before. The next one starts empty."""
        text = " ".join(self._finals)
        self._finals.clear()
        self._eager_text = None
        return TurnEnd(audio_time=audio_time, probability=probability, speech_end=speech_end, text=text)
