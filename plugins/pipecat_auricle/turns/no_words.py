"""A turn that began with a voice and has no words: a cough, a laugh, another person in the room."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import (
    ControlFrame,
    Frame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_stop import BaseUserTurnStopStrategy


@dataclass
class NoWordsFrame(ControlFrame):
    """A voice was heard, it is over, and there is no word in it.

    Parameters:
        start: Where the voice began, in seconds of the stream's audio; None where the server was not asked for that.
        end: Where it ended.
    """

    start: float | None = None
    end: float | None = None


class NoWordsUserTurnStopStrategy(BaseUserTurnStopStrategy):
    """Ends a turn without words at once; without it Pipecat waits for a transcript, for 5 s by default.

    Put it beside the strategies that end the other turns. What follows is as after that wait: the aggregator's
    `empty_user_turn` says whether the language model is asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self._speaking = self._has_words = False

    async def handle_user_turn_started(self) -> None:
        """Forgets the words of earlier turns; whether a voice is heard is as before."""
        self._has_words = False

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Follows the voice detection and the words; the other strategies see every frame as well."""
        match frame:
            case VADUserStartedSpeakingFrame():
                self._speaking = True
            case VADUserStoppedSpeakingFrame():
                self._speaking = False
            case TranscriptionFrame() | InterimTranscriptionFrame():
                self._has_words = True
            case NoWordsFrame() if not self._speaking and not self._has_words:
                await self.trigger_user_turn_finalized()
        return ProcessFrameResult.CONTINUE
