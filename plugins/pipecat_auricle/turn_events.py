"""Turns as event handlers of the service, named as in the hosted services. Pure: follows the frames that go down."""

from __future__ import annotations

from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    Frame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
)

HANDLERS = (
    "on_speech_started",
    "on_start_of_turn",
    "on_eager_end_of_turn",
    "on_turn_resumed",
    "on_end_of_turn",
)
"""All get the service, and all but `on_speech_started` and `on_turn_resumed` the transcript of the turn so far."""

TurnEvent = tuple[str, tuple[str, ...]]
"""The name of a handler, and its arguments after the service."""


class TurnEvents:
    """Follows one pipeline's turns; with Pipecat's turn detection there are none to follow."""

    def __init__(self) -> None:
        self._open = self._announced = self._eager = False
        self._finals: list[str] = []

    def follow(self, frame: Frame) -> list[TurnEvent]:
        """The handlers to call after `frame`, in order."""
        match frame:
            case ProposedUserStartedSpeakingFrame() if not self._open:
                self._open, self._announced, self._eager, self._finals = True, False, False, []
                return [("on_speech_started", ())]
            case InterimTranscriptionFrame() | TranscriptionFrame() if self._open:
                return self._words(frame)
            case EagerTranscriptionFrame() if self._open:
                self._eager = True
                return [("on_eager_end_of_turn", (self._transcript(frame.text),))]
            case EagerEndOfTurnCancelFrame() if self._eager:
                self._eager = False
                return [("on_turn_resumed", ())]
            # A stop that a muted aggregator ignored is proposed twice.
            case ProposedUserStoppedSpeakingFrame() if self._open:
                self._open = self._eager = False
                return [("on_end_of_turn", (self._transcript(),))]
        return []

    def _words(self, frame: InterimTranscriptionFrame | TranscriptionFrame) -> list[TurnEvent]:
        start: list[TurnEvent] = [] if self._announced else [("on_start_of_turn", (frame.text,))]
        self._announced = True
        if isinstance(frame, TranscriptionFrame):
            self._finals.append(frame.text)
        return start

    def _transcript(self, rest: str = "") -> str:
        return " ".join(filter(None, [*self._finals, rest.strip()]))
