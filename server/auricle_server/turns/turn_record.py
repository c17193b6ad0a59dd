"""The words of the open turn, and what the client has been sent about its end."""

from __future__ import annotations

from auricle.protocol.server_messages import ServerEvent, TurnEagerEnd, TurnEnd, TurnResumed


class TurnRecord:
    """The finals of the open turn, and its eager end if one was sent. Times are seconds of the stream's audio.

    Attributes:
        eager_text: The text of the `TurnEagerEnd` that holds; None while none does.
    """

    def __init__(self) -> None:
        self._finals: list[str] = []
        self.eager_text: str | None = None

    @property
    def has_words(self) -> bool:
        """Whether a final belongs to the turn."""
        return bool(self._finals)

    def add(self, text: str) -> None:
        """Adds the text of a final."""
        self._finals.append(text)

    def forget(self) -> None:
        """Drops the finals: they belong to no turn after the turn mode has changed."""
        self._finals.clear()

    def update_eager_end(
        self, open_text: str, probability: float | None, *, ended: bool, speech_end: float, audio_time: float
    ) -> list[ServerEvent]:
        """Takes an eager end back that no longer holds, and sends a new one.

        Args:
            open_text: The words that have no final yet.
            probability: That the turn has ended; None below the client's eager threshold.
            ended: Whether the turn, or the stream, is over.
            speech_end: Where the last word ended.
            audio_time: The position on which this rests.
        """
        if self.eager_text is None and (probability is None or ended):
            return []
        text = " ".join(filter(None, [*self._finals, open_text]))
        events: list[ServerEvent] = []
        # As in Deepgram Flux: an agent may be preparing its answer to this text, so other words take it back.
        if self.eager_text is not None and (probability is None or text != self.eager_text):
            self.eager_text = None
            events.append(TurnResumed(audio_time=audio_time, probability=probability or 0.0))
        if self.eager_text is None and probability is not None and not ended:
            self.eager_text = text
            events.append(
                TurnEagerEnd(audio_time=audio_time, probability=probability, speech_end=speech_end, text=text)
            )
        return events

    def end(self, *, speech_end: float, audio_time: float, probability: float = 1.0) -> TurnEnd:
        """The end of the turn; its finals were added before. The next turn starts empty."""
        text = " ".join(self._finals)
        self._finals.clear()
        self.eager_text = None
        return TurnEnd(audio_time=audio_time, probability=probability, speech_end=speech_end, text=text)
