"""Events as a server sends them, with little said: for tests that decide the answers themselves."""

from __future__ import annotations

from auricle.protocol import (
    CODES,
    Error,
    Final,
    Finalize,
    Interim,
    ServerConnection,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)


def interim(text: str, at: float) -> Interim:
    """An interim decided at `at` seconds."""
    return Interim(text=text, start=0.0, end=at, language="en-US", audio_time=at)


def final(text: str, end: float, answers: Finalize | None = None, *, at: float | None = None) -> Final:
    """A final whose last word ends at `end`, decided there or later, on its own or in answer to a finalize."""
    decided = end if at is None else at
    return Final(
        text=text,
        start=0.0,
        end=end,
        language="en-US",
        settled=decided,
        audio_time=decided,
        finalize_id=None if answers is None else answers.id,
    )


def eager_end(text: str, at: float) -> TurnEagerEnd:
    """A turn that has probably ended, decided at `at` seconds."""
    return TurnEagerEnd(text=text, probability=0.5, speech_end=at - 0.2, audio_time=at)


def resumed(at: float) -> TurnResumed:
    """A turn that goes on after all."""
    return TurnResumed(probability=0.0, audio_time=at)


def turn_end(text: str, at: float) -> TurnEnd:
    """The end of a turn, decided at `at` seconds."""
    return TurnEnd(text=text, probability=1.0, speech_end=at - 0.5, audio_time=at)


def refusal(connection: ServerConnection, code: str, message: str, audio_time: float = 0.0) -> str:
    """The text of a non-fatal error: the stream goes on as it was."""
    return connection.send(_error(code, message, audio_time, fatal=False))


def failure(connection: ServerConnection, code: str, message: str, audio_time: float = 0.0) -> tuple[str, int]:
    """The text of a fatal error, and the WebSocket code to close with after it."""
    close_code = CODES[code].close_code
    assert close_code is not None, "a notice closes no connection"
    return connection.send(_error(code, message, audio_time, fatal=True)), close_code


def _error(code: str, message: str, audio_time: float, *, fatal: bool) -> Error:
    return Error(code=code, fault=CODES[code].fault, fatal=fatal, message=message, audio_time=audio_time)
