"""What an agent was shown of the user's speech and what is still owed to it. Pure: no clock, no frames."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from auricle._stream.event_merger import longest_silence
from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import Final, Interim, TurnEagerEnd
from auricle.protocol.settings import TurnSettings

_ROUNDING = 1e-3  # seconds; times cross the wire as decimal numbers
_LONG_SEGMENT = 50.0
"""Seconds. A server also cuts segments that have grown too long, which are longer than this."""


@dataclass(frozen=True, slots=True)
class FinalDecision:
    """What a final means.

    Attributes:
        text: Its words; empty when nothing was said.
        answered: Whether it answers a finalize that nothing has overtaken.
        last: Whether nothing more of this utterance will come.
        ends_turn: Whether the turn is over with it although the server has not said so.
    """

    text: str
    answered: bool
    last: bool
    ends_turn: bool


class TranscriptionState:
    """Bookkeeping of one user's speech.

    Args:
        turn: How the server decides on turns, and we ask for a final only when it cannot; or ``"off"``: Pipecat
            decides, and each of its stops asks for a final.

    Attributes:
        turn_open: Whether the pipeline was told that a turn has started and not that it has ended; server's turns only.
        turn: As given; may be changed, but not to ``"off"`` or from it.
    """

    def __init__(self, turn: TurnSettings) -> None:
        self.turn_open = False
        self.turn = turn
        self._by_server = turn.mode != "off"
        self._numbers = count(1)
        self._awaited: set[str] = set()
        self._settled = 0.0
        self._shown = ""
        self._vad_speaking = False
        self._said: list[str] = []
        self._said_before = 0

    @property
    def longest_silence(self) -> float:
        """Seconds without a word after which the server has ended a turn; 0 when Pipecat decides."""
        return longest_silence(self.turn)

    @property
    def owed(self) -> bool:
        """Whether the pipeline waits for a final, or an end of turn, that only we can bring about in silence."""
        return self.turn_open if self._by_server else bool(self._shown) and not self._vad_speaking

    def shows(self, event: Interim) -> bool:
        """Whether to show an interim: it has words, and none that a final has settled already.

        An empty one can interrupt the bot, a stale one makes Pipecat wait for a final that will never come.
        """
        if not event.text.strip() or event.audio_time <= self._settled:
            return False
        self._shown = event.text.strip()
        return True

    def open_turn(self) -> bool:
        """The server has heard a word; whether that starts a turn of the pipeline's."""
        starts = self._by_server and not self.turn_open
        if starts:
            self.turn_open, self._said_before = True, len(self._said)
        return starts

    def turn_ended(self) -> None:
        """The server's turn is over. The pipeline's may have ended earlier, by a finalize."""
        self._said, self._said_before = [], 0

    def guess(self, event: TurnEagerEnd) -> str | None:
        """The words of a turn that has probably ended which have no final yet; None when it is no turn of the pipeline.

        Pipecat puts them right behind the finals of the turn, so they bring the space between along.
        """
        said_in_turn = len(self._said) > self._said_before
        rest = event.text.removeprefix(" ".join(self._said))
        if not self.turn_open or not (said_in_turn or rest.strip()):
            return None
        return rest if said_in_turn else rest.strip()

    def settle(self, event: Final) -> FinalDecision:
        """Takes a final."""
        self._settled, self._shown = event.settled, ""
        if self._by_server and event.text.strip():
            self._said.append(event.text)
        answered = event.finalize_id in self._awaited
        self._awaited.discard(event.finalize_id or "")
        ends_turn = self._by_server and event.finalize_id is not None
        last = ends_turn or self._by_turn_end(event) if self._by_server else answered
        return FinalDecision(event.text.strip(), answered, last, ends_turn)

    def vad_started(self) -> None:
        """The user speaks again: no finalize on its way ends the utterance any more."""
        self._vad_speaking = True
        self._awaited.clear()

    def vad_stopped(self) -> None:
        """The user is silent."""
        self._vad_speaking = False

    def ask(self, *, awaited: bool) -> Finalize:
        """A finalize to send; `awaited` when its answer is the last that the pipeline waits for."""
        finalize = Finalize(f"p{next(self._numbers)}")
        if awaited:
            self._awaited.add(finalize.id)
        return finalize

    def _by_turn_end(self, event: Final) -> bool:
        """Whether a turn's end brought the final about, and not the length of the segment."""
        if event.audio_time - event.end >= self.longest_silence - _ROUNDING:
            return True
        # Semantic ends come after any silence, so there it is only the segment that tells.
        return self.turn.mode == "semantic" and event.audio_time - event.start < _LONG_SEGMENT

    def cut_short(self) -> str:
        """The stream is gone, and its clock with it: returns the words that were shown and will get no final."""
        text, self._shown, self._settled = self._shown, "", 0.0
        self._awaited.clear()
        self.turn_ended()
        return text
