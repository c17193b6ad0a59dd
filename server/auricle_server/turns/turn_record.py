"""The words of the open turn, and what the client has been sent about its end."""

from __future__ import annotations

from auricle.protocol.server_messages import ServerEvent, TurnEagerEnd, TurnEnd, TurnResumed
from auricle.protocol.settings import Expect
from auricle_server.turns.backchannels import backchannel_probability
from auricle_server.turns.dictation import collected


def backchannel_of(text: str, *, english: bool) -> float | None:
    """Probability that a text is no more than a backchannel; None where it is empty, or not English."""
    return backchannel_probability(text) if text and english else None


class TurnRecord:
    """The finals of the open turn, and its eager end if one was sent. Times are seconds of the stream's audio.

    Attributes:
        expect: What the turn dictates.
        eager_text: The text of the `TurnEagerEnd` that holds; None while none does.
    """

    def __init__(self, expect: Expect = "none") -> None:
        self.expect: Expect = expect
        self._finals: list[str] = []
        self._english = True
        """Whether all of them are."""
        self.eager_text: str | None = None

    @property
    def has_words(self) -> bool:
        """Whether a final belongs to the turn."""
        return bool(self._finals)

    def add(self, text: str, *, english: bool = True) -> None:
        """Adds the text of a final, and whether it is English."""
        self._finals.append(text)
        self._english &= english

    def forget(self) -> None:
        """Drops the finals: they belong to no turn after the turn mode has changed."""
        self._finals.clear()
        self._english = True

    def update_eager_end(
        self,
        open_text: str,
        probability: float | None,
        *,
        ended: bool,
        speech_end: float,
        audio_time: float,
        english: bool = True,
    ) -> list[ServerEvent]:
        """Takes an eager end back that no longer holds, and sends a new one.

        Args:
            open_text: The words that have no final yet.
            probability: That the turn has ended; None below the client's eager threshold.
            ended: Whether the turn, or the stream, is over.
            speech_end: Where the last word ended.
            audio_time: The position on which this rests.
            english: Whether the words without a final are English.
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
                TurnEagerEnd(
                    audio_time=audio_time,
                    probability=probability,
                    speech_end=speech_end,
                    text=text,
                    backchannel=backchannel_of(text, english=self._english and english),
                    collected=collected(text, self.expect),
                )
            )
        return events

    def end(self, *, speech_end: float, audio_time: float, probability: float = 1.0) -> TurnEnd:
        """The end of the turn; its finals were added before. The next turn starts empty."""
        text = " ".join(self._finals)
        end = TurnEnd(
            audio_time=audio_time,
            probability=probability,
            speech_end=speech_end,
            text=text,
            backchannel=backchannel_of(text, english=self._english),
            collected=collected(text, self.expect),
        )
        self.forget()
        self.eager_text = None
        return end
