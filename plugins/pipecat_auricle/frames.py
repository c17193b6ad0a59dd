"""From the server's events to Pipecat's frames. Pure: returns the frames, in order; the service pushes them.

What Pipecat has no frame for is returned as an `Action`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    Frame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
)
from pipecat.transcriptions.language import Language
from pipecat.utils.errors import ErrorCategory
from pipecat.utils.time import time_now_iso8601

from auricle.errors import AuricleError
from auricle.events import StreamEvent
from auricle.protocol.server_messages import (
    Final,
    Interim,
    NoWords,
    Ready,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from pipecat_auricle.transcription_state import TranscriptionState
from pipecat_auricle.turns.backchannels import backchannel_frame
from pipecat_auricle.turns.no_words import NoWordsFrame

F = TypeVar("F", bound=Frame)
_LANGUAGES = {language.value: language for language in Language}


@dataclass(frozen=True, slots=True)
class FinalRequested:
    """The server was asked for the last final of an utterance."""


@dataclass(frozen=True, slots=True)
class NothingTranscribed:
    """The server was asked so, and found nothing to transcribe that had no final yet.

    Attributes:
        words: Whether there were words, which are a backchannel.
    """

    words: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """The stream is connected to a server, or was.

    Attributes:
        ready: What the server offers; None while there is none.
    """

    ready: Ready | None


@dataclass(frozen=True, slots=True)
class Problem:
    """An error for the application.

    Attributes:
        message: In a sentence.
        category: Whose fault it is, in Pipecat's terms; None for one that Pipecat finds out itself.
        error: The failure of the connection; None when the application asked for what the server does not have.
        permanent: Whether the stream has failed for good.
    """

    message: str
    category: ErrorCategory | None = ErrorCategory.APPLICATION
    error: AuricleError | None = None
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class StreamGivenUp:
    """The framework may use another service from here on; without one, the words that were shown become final."""


Action = FinalRequested | NothingTranscribed | ConnectionChanged | Problem | StreamGivenUp
Output = Frame | Action


def frames_for(event: StreamEvent, state: TranscriptionState) -> list[Output]:
    """The frames and actions for `event`, in order.

    Args:
        event: From the stream. Events about the connection and the settings give no frames.
        state: What the pipeline got before; updated by the event.
    """
    match event:
        case Interim():
            return _interim(event, state)
        case Final():
            return _final(event, state)
        case _:
            return _turn(event, state)


def _turn(event: StreamEvent, state: TranscriptionState) -> list[Output]:
    match event:
        case SpeechStarted():
            return [] if state.may_become_backchannel() else _turn_start(state)
        case NoWords():
            return [NoWordsFrame(start=event.start, end=event.end)]
        case TurnEagerEnd():
            return _eager_end(event, state)
        case TurnResumed():
            return [EagerEndOfTurnCancelFrame()]
        case TurnEnd():
            state.server_turn_ended()
            return _turn_stop(state)
        case _:
            return []


def frames_for_lost_stream(state: TranscriptionState) -> list[Output]:
    """The frames and actions for a lost stream: the words of the latest interim become final, and the turn ends."""
    # An interim without a final, or a turn without an end, would hang until Pipecat's watchdog comes, after 5 s.
    text, user_id = state.cut_short()
    frames: list[Output] = []
    if text:
        frames.append(_uninterruptible(_transcription(text, state.language, user_id)))
    return [*frames, *_turn_stop(state)]


def frames_for_mute(state: TranscriptionState, *, begins: bool) -> list[Output]:
    """The frames and actions for the begin or the end of a mute."""
    if begins:
        # A muted aggregator does not see that the user goes on, so the eager end is withdrawn now.
        return [EagerEndOfTurnCancelFrame()]
    return [_proposed_stop()] if state.repeat_stop() else []


def _turn_start(state: TranscriptionState) -> list[Output]:
    # A proposal: services that detect turns leave UserStartedSpeakingFrame to Pipecat's turn strategies.
    return [ProposedUserStartedSpeakingFrame()] if state.open_turn() else []


def _interim(event: Interim, state: TranscriptionState) -> list[Output]:
    if not state.show(event) or state.may_become_backchannel(event.text, event.language):
        return []
    text, language = event.text.strip(), language_of(event.language)
    user_id = state.user_until(event.end, event.start)
    frame = InterimTranscriptionFrame(text, user_id, time_now_iso8601(), language, result=event)
    # A turn that the server opened before the user was muted goes on without a second `SpeechStarted`.
    return [*_turn_start(state), frame]


def _final(event: Final, state: TranscriptionState) -> list[Output]:
    if state.is_backchannel(event):
        return _backchannel(event, state)
    frames = _turn_start(state) if event.text.strip() else []
    decision = state.settle(event)
    if decision.text:
        # `finalized` says that no more text of the utterance comes. Pipecat acts on it at once, so on any other final
        # it would split the utterance (pipecat #5042, #5043, #5159).
        frame = _transcription(decision.text, event.language, decision.user_id)
        frame.result, frame.finalized = event, decision.last
        frames.append(_uninterruptible(frame))
    elif decision.answered:
        frames.append(NothingTranscribed())
    return [*frames, *_turn_stop(state)] if decision.ends_turn else frames


def _backchannel(event: Final, state: TranscriptionState) -> list[Output]:
    decision = state.settle(event)
    frame = backchannel_frame(decision.text, decision.user_id)
    # For the metrics: no transcript comes of what the server was asked for.
    return [frame, NothingTranscribed(words=True)] if decision.answered else [frame]


def _eager_end(event: TurnEagerEnd, state: TranscriptionState) -> list[Output]:
    words = state.eager_text(event)
    if words is None or state.muted:
        return []
    user_id, language = state.user_until(event.speech_end), language_of(state.language)
    return [EagerTranscriptionFrame(words, user_id, time_now_iso8601(), language, result=event)]


def _turn_stop(state: TranscriptionState) -> list[Output]:
    return [_proposed_stop()] if state.close_turn() else []


def _proposed_stop() -> ProposedUserStoppedSpeakingFrame:
    return _uninterruptible(ProposedUserStoppedSpeakingFrame())


def _transcription(text: str, language: str, user_id: str) -> TranscriptionFrame:
    return TranscriptionFrame(text, user_id, time_now_iso8601(), language_of(language))


def _uninterruptible(frame: F) -> F:
    # Words of the user can interrupt the bot. That interruption empties the queues of the processors downstream, and
    # must not take these very words, or the end of their turn, with it.
    frame.interruptible = False
    return frame


def language_of(code: str) -> Language | None:
    """Pipecat's name of a language: of the locale, else of the language alone (Arabic); None for ``"auto"`` and ""."""
    return _LANGUAGES.get(code) or _LANGUAGES.get(code.partition("-")[0])
