"""What a pipeline got of the user's speech, and what it still waits for. Pure: no clock, no frames."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from auricle.protocol.client_messages import Finalize
from auricle.protocol.server_messages import Final, Interim, TurnEagerEnd
from auricle.protocol.settings import TurnSettings
from pipecat_auricle.speakers import SpeakerTimeline
from pipecat_auricle.turns.backchannels import is_backchannel, may_become_backchannel

_ROUNDING = 1e-3
"""Seconds. Times cross the wire as decimal numbers, so two that are equal can differ in their last bits."""

# The server's bounds are 60 s at a chunk without a word, and 120 s in any case.
_LONG_SEGMENT = 50.0
"""Seconds. A server also ends a segment that has grown too long; such segments are longer than this."""


@dataclass(frozen=True, slots=True)
class FinalDecision:
    """What a final means to the pipeline.

    Attributes:
        text: Its words, stripped; empty when nothing was said.
        answered: Whether it answers a finalize that the pipeline still waits for.
        last: Whether no more text of this utterance will come.
        ends_turn: Whether it ends the pipeline's turn although the server has not sent `TurnEnd`.
        user_id: Who spoke it.
    """

    text: str
    answered: bool
    last: bool
    ends_turn: bool
    user_id: str


class TranscriptionState:
    """Bookkeeping of one user's speech.

    Args:
        turn: How the server detects turns; the service then asks for a final only when the server cannot give one by
            itself. Or mode ``"off"``: Pipecat detects turns, and the service asks for a final at each of its stops.
        backchannel_threshold: Probability from which on a final while the bot speaks is a backchannel; None for never.

    Attributes:
        turn_open: Whether the pipeline has got the start of a turn and not its end; only with the server's turn
            detection.
        turn: As given. May be replaced, but not from or to mode ``"off"``.
        server_turns: Whether the server detects turns.
        language: Language code of the latest interim; empty before the first.
        speakers: Who spoke when.
        muted: Whether the user is muted, by whatever means.
        user_muted: Whether Pipecat's mute strategies mute the user.
        bot_speaking: Whether the bot speaks.
    """

    def __init__(self, turn: TurnSettings, backchannel_threshold: float | None = None) -> None:
        self.turn_open = False
        self.turn = turn
        self.language = ""
        self.speakers = SpeakerTimeline()
        self.muted = self.user_muted = self.bot_speaking = False
        self._backchannel_threshold = backchannel_threshold
        self.server_turns = turn.mode != "off"
        self._stop_unheard = False
        self._finalize_numbers = count(1)
        self._awaited: set[str] = set()
        self._settled = 0.0
        self._interim_text = ""
        self._interim_end = 0.0
        self._vad_speaking = False
        # The server's turn and the pipeline's are not always the same: a finalize (of a mute, for example) ends the
        # pipeline's turn, and the server's goes on. The finals of the server's turn up to that point are counted.
        self._turn_finals: list[str] = []
        self._finals_before_turn = 0

    @property
    def longest_silence(self) -> float:
        """Seconds without a word after which the server has ended a turn; 0 when Pipecat detects turns."""
        return self.turn.longest_silence

    @property
    def awaits_final(self) -> bool:
        """Whether the pipeline waits for a final or an end of turn that, in silence, only a finalize can bring."""
        return self.turn_open if self.server_turns else bool(self._interim_text) and not self._vad_speaking

    def show(self, event: Interim) -> bool:
        """Takes an interim; returns whether to show it: it has words, and they are later than the latest final.

        An empty interim can interrupt the bot. A stale one makes Pipecat wait for a final that never comes.
        """
        if not event.text.strip() or event.audio_time <= self._settled:
            return False
        self._interim_text, self.language, self._interim_end = event.text.strip(), event.language, event.end
        return True

    def user_until(self, end: float, start: float = 0.0) -> str:
        """Who spoke the words from `start`, or from the latest final if that is later, to `end` seconds."""
        return self.speakers.user_of(max(start, self._settled), end)

    def may_become_backchannel(self, text: str = "", language: str = "") -> bool:
        """Whether the words so far, of which the pipeline has got none, may be no more than a backchannel."""
        listens = self._backchannel_threshold is not None and self.bot_speaking and not self.turn_open
        return listens and may_become_backchannel(text, language)

    def is_backchannel(self, event: Final) -> bool:
        """Whether a final is a backchannel: in an open turn, and while the bot is silent, such words say something."""
        return self.bot_speaking and not self.turn_open and is_backchannel(event, self._backchannel_threshold)

    def open_turn(self) -> bool:
        """The server has recognised a word; returns whether a turn of the pipeline starts with it."""
        starts = self.server_turns and not self.turn_open
        if starts:
            self.turn_open, self._finals_before_turn = True, len(self._turn_finals)
        return starts

    def close_turn(self) -> bool:
        """Ends the pipeline's turn; returns whether one was open."""
        was_open, self.turn_open = self.turn_open, False
        self._stop_unheard |= was_open and self.user_muted
        return was_open

    def repeat_stop(self) -> bool:
        """Whether to propose the end of a turn once more: an aggregator that was muted has ignored the proposal."""
        repeat = self._stop_unheard and not self.user_muted
        self._stop_unheard &= self.user_muted
        return repeat

    def set_muted(self, *, stt: bool, user: bool) -> Finalize | None:
        """Follows the mute switches of the service and of the user; returns the finalize to send when a mute begins.

        It keeps the words before the mute apart from those after it.
        """
        was_muted, self.muted, self.user_muted = self.muted, stt or user, user
        return self.next_finalize(awaited=False) if self.muted and not was_muted else None

    def server_turn_ended(self) -> None:
        """The server's turn has ended. The pipeline's may have ended earlier, by a finalize."""
        self._turn_finals, self._finals_before_turn = [], 0

    def eager_text(self, event: TurnEagerEnd) -> str | None:
        """The words of a turn that has probably ended which have no final yet; None outside a turn of the pipeline.

        Pipecat appends them to the finals of the turn without a space, so they begin with one when there are finals.
        """
        has_finals = len(self._turn_finals) > self._finals_before_turn
        # The server repeats the text of its whole turn, and its finals went to the pipeline before.
        rest = event.text.removeprefix(" ".join(self._turn_finals))
        if not self.turn_open or not (has_finals or rest.strip()):
            return None
        return rest if has_finals else rest.strip()

    def settle(self, event: Final) -> FinalDecision:
        """Takes a final."""
        user_id = self.user_until(event.end, event.start)
        self._settled, self._interim_text = event.settled, ""
        if self.server_turns and event.text.strip():
            self._turn_finals.append(event.text)
        answered = event.finalize_id in self._awaited
        self._awaited.discard(event.finalize_id or "")
        # The service sends finalizes of its own here, for a mute or a stall: the server's turn goes on, but the
        # pipeline must not wait for its end.
        ends_turn = self.server_turns and event.finalize_id is not None
        last = ends_turn or self._comes_with_turn_end(event) if self.server_turns else answered
        return FinalDecision(event.text.strip(), answered, last, ends_turn, user_id)

    def vad_started(self) -> None:
        """The user speaks again: the answer to a finalize on its way no longer ends the utterance."""
        self._vad_speaking = True
        self._awaited.clear()

    def vad_stopped(self) -> Finalize | None:
        """The user is silent; returns the finalize to send, unless the server detects turns."""
        self._vad_speaking = False
        return None if self.server_turns else self.next_finalize(awaited=True)

    def next_finalize(self, *, awaited: bool) -> Finalize:
        """A finalize to send; `awaited` when its answer is the last final of the utterance."""
        # Never used twice in one pipeline: a late answer must not pass for that of a newer finalize.
        finalize = Finalize(f"p{next(self._finalize_numbers)}")
        if awaited:
            self._awaited.add(finalize.id)
        return finalize

    def awaits(self, finalize: Finalize) -> bool:
        """Whether its answer is the last final of the utterance, as far as is known now."""
        return finalize.id in self._awaited

    def cut_short(self) -> tuple[str, str]:
        """The stream is lost, and its clock with it.

        Returns:
            The words that were shown and will get no final, and who spoke them.
        """
        text, user_id = self._interim_text, self.user_until(self._interim_end)
        self._interim_text, self._settled = "", 0.0
        self.speakers.clear()
        self._awaited.clear()
        self.server_turn_ended()
        return text, user_id

    def _comes_with_turn_end(self, event: Final) -> bool:
        """Whether the turn's end brought the final about, and not the length of the segment."""
        if event.audio_time - event.end >= self.longest_silence - _ROUNDING:
            return True
        # A semantic end can come after any silence, so in that mode only the segment's length tells the two apart.
        return self.turn.mode == "semantic" and event.audio_time - event.start < _LONG_SEGMENT
