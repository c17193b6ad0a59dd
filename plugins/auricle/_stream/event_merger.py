"""Makes the events of several connections those of one stream.

A server that takes over a stream knows nothing of what another server did: its clock and its event numbers start at
zero, and it does not know that a turn is open. The merger shifts times to the clock of the stream, drops what the
caller has seen already, and completes a turn whose first half went to another server: its words, what they dictate, and
its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from auricle.events import VisibleEvent
from auricle.protocol.server_messages import (
    Final,
    Interim,
    NoWords,
    ServerEvent,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from auricle.protocol.settings import TurnSettings
from auricle.protocol.signals import Signals

E = TypeVar("E", bound=ServerEvent)
T = TypeVar("T", TurnEagerEnd, TurnEnd)
_TIMES = ("audio_time", "start", "end", "settled", "speech_end")


def shifted(event: E, seconds: float) -> E:
    """The event with all its times `seconds` later."""
    # The usual case, a stream on its first server: `replace` would copy every field of every event.
    if not seconds:
        return event
    times = {name: getattr(event, name) + seconds for name in _TIMES if hasattr(event, name)}
    moved = replace(event, **times)
    if isinstance(moved, Final | Interim) and moved.words:
        words = tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in moved.words)
        moved = replace(moved, words=words)
    if isinstance(moved, Final) and moved.languages:
        languages = tuple(replace(span, start=span.start + seconds) for span in moved.languages)
        return replace(moved, languages=languages)
    return moved


def _all_judged(parts: Sequence[Final | TurnEagerEnd | TurnEnd]) -> bool:
    """Whether a server has judged of every part whether it is a backchannel: they are English, and there are some."""
    return bool(parts) and all(part.backchannel is not None for part in parts)


class EventMerger:
    """Follows one stream across its connections.

    Args:
        turn: Turn detection in force.
    """

    def __init__(self, turn: TurnSettings) -> None:
        self._turn = turn
        self._origin = 0.0
        self._seq = 0
        self._open = False
        # Whether the open turn (or segment) began on an earlier connection, and the finals it got there and here.
        self._taken_over = False
        self._earlier_finals: list[Final] = []
        self._finals: list[Final] = []
        self._speech_end = self._no_words_until = 0.0
        self._shown_until = self._signals_until = 0.0
        self._eager_text: str | None = None

    @property
    def speaking(self) -> bool:
        """Whether the caller has seen a turn, or in mode ``"off"`` a segment, begin and not end."""
        return self._open

    def change_turn(self, turn: TurnSettings) -> None:
        """The caller has asked for other turn detection; on a change from or to ``"off"`` servers drop an open turn."""
        if "off" in {turn.mode, self._turn.mode} and turn.mode != self._turn.mode:
            self._earlier_finals, self._finals = [], []
        self._turn = turn

    def resume(self, origin: float) -> None:
        """A new connection takes over, `origin` seconds into the stream."""
        self._origin = origin
        self._taken_over = self._open
        self._earlier_finals += self._finals
        self._finals = []

    def to_stream_time(self, event: E) -> E:
        """The event with its times on the stream's clock."""
        return shifted(event, self._origin)

    def merge(self, event: VisibleEvent | Settled) -> list[VisibleEvent]:
        """The caller's events for `event`, whose times are the stream's; usually just that event."""
        return [self._numbered(each) for each in self._merged(event)]

    def finish(self, audio_time: float) -> list[VisibleEvent]:
        """The caller's last events, after the server's last, at the end of the audio."""
        return [self._numbered(each) for each in self._missing_turn_end(audio_time)]

    def _merged(self, event: VisibleEvent | Settled) -> list[VisibleEvent]:
        match event:
            case SpeechStarted():
                return self._speech_started(event)
            case Interim():
                return self._interim(event)
            case Final():
                self._final(event)
            case TurnEagerEnd() | TurnResumed():
                return self._eager_end_or_resumed(event)
            case TurnEnd() | Settled():
                return self._turn_end(event) if isinstance(event, TurnEnd) else self._settled(event)
            case NoWords() | Signals():
                return [] if self._is_reported(event) else [event]
        return [event]

    def _speech_started(self, event: SpeechStarted) -> list[VisibleEvent]:
        ended: list[VisibleEvent] = []
        # Only when every word shown has its final, and the silence before the new word would have ended any turn.
        if self._turn.mode != "off" and not self._shown_until and self._silent_until(event.start):
            ended = self._missing_turn_end(event.audio_time)
        if self._taken_over:
            return []
        self._open, self._speech_end = True, event.start
        return [*ended, event]

    def _interim(self, event: Interim) -> list[VisibleEvent]:
        # A replay passes words again that the caller displays already; interims with fewer would make the text flicker.
        if self._taken_over and event.end <= self._shown_until:
            return []
        self._shown_until = event.end
        # A server that takes over after an eager end does not know of it, and so does not take it back.
        resumed = self._turn_resumed(event.audio_time) if self._taken_over and self._eager_text is not None else []
        return [event, *resumed]

    def _final(self, event: Final) -> None:
        self._shown_until = 0.0
        if event.text:
            self._finals.append(event)
            self._speech_end = event.end
        # In this mode servers send no turn ends, so the final is what closes.
        if self._turn.mode == "off":
            self._close()

    def _eager_end_or_resumed(self, event: TurnEagerEnd | TurnResumed) -> list[VisibleEvent]:
        # The eager end may be withdrawn already, by an interim of the server that took over.
        if isinstance(event, TurnResumed):
            return [] if self._eager_text is None else self._turn_resumed(event.audio_time, event.probability)
        whole = self._whole_turn(event)
        if whole.text == self._eager_text:
            return []
        resumed = [] if self._eager_text is None else self._turn_resumed(event.audio_time)
        self._eager_text = whole.text
        return [*resumed, whole]

    def _turn_resumed(self, audio_time: float, probability: float = 0.0) -> list[VisibleEvent]:
        self._eager_text = None
        return [TurnResumed(audio_time=audio_time, probability=probability)]

    def _turn_end(self, event: TurnEnd) -> list[VisibleEvent]:
        """The end of a turn; an eager end with another text is taken back before it."""
        event = self._whole_turn(event)
        mistaken = self._eager_text not in {None, event.text}
        resumed = self._turn_resumed(event.audio_time, event.probability) if mistaken else []
        self._close()
        return [*resumed, event]

    def _whole_turn(self, event: T) -> T:
        """The event with the words of the whole turn, of which this connection's server knows the last."""
        if not self._earlier_finals:
            return event
        parts: list[Final | TurnEagerEnd | TurnEnd] = [*self._earlier_finals, event]
        said = [part for part in parts if part.text]
        return replace(
            event,
            text=" ".join(part.text for part in said),
            # More than a backchannel as soon as one part is.
            backchannel=min((part.backchannel or 0.0 for part in said), default=0.0) if _all_judged(said) else None,
            collected="".join(part.collected for part in parts),
        )

    def _is_reported(self, event: NoWords | Signals) -> bool:
        """Whether an earlier server has reported the same voice, or the signals there: a replay passes them again."""
        # What such a server says of an open turn holds for that server: it may not know the turn.
        if isinstance(event, Signals):
            reported, self._signals_until = self._signals_until, max(self._signals_until, event.audio_time)
            return event.audio_time <= reported
        reported, self._no_words_until = self._no_words_until, max(self._no_words_until, event.end)
        return event.start < reported

    def _settled(self, event: Settled) -> list[VisibleEvent]:
        """Nothing is open at the server: past all audio heard before the break, nothing is open here either."""
        return self._missing_turn_end(event.audio_time) if self._silent_until(event.audio_time) else []

    def _silent_until(self, seconds: float) -> bool:
        """Whether one server for the whole stream would certainly have ended the turn by then.

        In ``"semantic"`` mode it might have ended earlier. Until the longest silence has passed that is unknown, and
        words that follow belong to the same turn: half a sentence is never reported as a whole turn.
        """
        return seconds - max(self._speech_end, self._shown_until) >= self._turn.longest_silence

    def _missing_turn_end(self, audio_time: float) -> list[VisibleEvent]:
        """The end of a turn that was open at the break: the new server never saw the turn, so it cannot end it."""
        if not self._taken_over:
            return []
        if self._turn.mode == "off":
            self._close()
            return []
        self._earlier_finals += self._finals
        return self._turn_end(TurnEnd(audio_time=audio_time, probability=1.0, speech_end=self._speech_end, text=""))

    def _close(self) -> None:
        self._open = self._taken_over = False
        self._shown_until = 0.0
        self._earlier_finals, self._finals = [], []
        self._eager_text = None

    def _numbered(self, event: VisibleEvent) -> VisibleEvent:
        # Every server counts from 1, and events are added and dropped here, so the caller gets numbers of its own.
        self._seq += 1
        return replace(event, seq=self._seq)
