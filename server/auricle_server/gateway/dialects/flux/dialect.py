"""The messages of Deepgram Flux.

Source: deepgram-sdk 7.17, ``listen/v2/types``, and Deepgram's pages on Flux' states, ``Configure`` and ``CloseStream``.
What the server says has a number (`sequence_id`), which counts up in the order in which it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import (
    Error,
    Final,
    Interim,
    Ready,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
)
from auricle.protocol.settings import InvalidMessage, brief
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.dialects.flux.settings import MULTILINGUAL, FluxSettings, language_of
from auricle_server.gateway.dialects.flux.turn import FluxTurn
from auricle_server.gateway.session.client_json import JsonObject, parse_object, to_json
from auricle_server.gateway.session.deepgram_requests import close_code
from auricle_server.gateway.session.dialect import AudioProgress, EndTurn, Input, LateReply, Output
from auricle_server.gateway.session.formats.deepgram_audio import DeepgramSamples

UPDATE_SECONDS = 0.25
"""Seconds of audio after which the client gets an ``Update``, changed or not."""
_TOLERANCE = 1e-6
_UNPARSABLE = "UNPARSABLE_CLIENT_MESSAGE"
_CODES = {
    codes.BAD_JSON: _UNPARSABLE,
    codes.UNKNOWN_MESSAGE: _UNPARSABLE,
    codes.INVALID_FIELD: _UNPARSABLE,
    codes.INTERNAL: "INTERNAL_SERVER_ERROR",
}
_REFUSES_UPDATE = {codes.UNSUPPORTED_LANGUAGE, codes.UNSUPPORTED_KEYTERMS, codes.INVALID_KEYTERMS}
"""Errors after which nothing of an update is in force."""


class FluxDialect:
    """One client of Flux.

    Args:
        request_id: Names the stream, in every message.
        model: That the client asks for.
        settings: That it asks for.
        languages: What the server's model offers.
        samples: Makes samples of its audio.
        unserved: What it asks for and this server does not do.
    """

    name = "flux"
    follows_audio = True

    def __init__(
        self,
        request_id: str,
        model: str,
        settings: FluxSettings,
        languages: tuple[str, ...],
        samples: DeepgramSamples,
        unserved: Iterable[str] = (),
    ) -> None:
        self.ended = False
        self._request_id = request_id
        self._model = model
        self._settings = settings
        self._languages = languages
        self._samples = samples
        self._unserved = tuple(unserved)
        self._sequence = 0
        self._turn = FluxTurn()
        self._audio_time = self._told_at = 0.0
        self._forced = 0
        self._force_answered = False
        """Whether the last final has answered a ``ForceEndTurn``: the turn's end comes right after it."""
        self._refused: Error | None = None
        """Why the last update was refused."""

    # --- from the client ---------------------------------------------------------------------------------------------

    def receive_text(self, text: str) -> Sequence[Input]:
        """As `Dialect.receive_text`."""
        if self.ended:
            return ()
        message = parse_object(text)
        match message.text("type"):
            case "Configure":
                return self._configure(message)
            case "ForceEndTurn":
                self._forced += 1
                return (EndTurn(f"ForceEndTurn {self._forced}"),)
            case "CloseStream":
                self.ended = True
                rest = self._samples.flush()
                return (AudioReceived(rest), End()) if rest else (End(),)
            case "KeepAlive":  # of Deepgram's other format: some clients send it everywhere
                return ()
        kind = brief(message.values.get("type"))
        known = "Configure, ForceEndTurn and CloseStream"
        raise ProtocolViolation(codes.UNKNOWN_MESSAGE, f"no message has the type {kind}; there are {known}")

    def _configure(self, message: JsonObject) -> Sequence[Input]:
        old = self._settings
        try:
            new = old.configured(message)
        except (InvalidMessage, ProtocolViolation) as error:
            reason = error.message if isinstance(error, ProtocolViolation) else str(error)
            return (LateReply(partial(self._configure_failure, codes.INVALID_FIELD, reason)),)
        self._settings = new
        language = language_of(self._model, new.language_hints, self._languages)
        update = Update(
            turn=None if new.turn == old.turn else new.turn,
            keyterms=None if new.keyterms == old.keyterms else new.keyterms,
            text_format=None if new.text_format == old.text_format else new.text_format,
            language=None if new.language_hints == old.language_hints else language,
        )
        return update, LateReply(partial(self._answer_configure, old, new))

    def receive_audio(self, data: bytes) -> bytes:
        """As `Dialect.receive_audio`; a message may end within a sample."""
        return b"" if self.ended else self._samples.push(data)

    # --- to the client -----------------------------------------------------------------------------------------------

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`."""
        match output:
            case AudioProgress(seconds):
                self._audio_time = seconds
                due = seconds - self._told_at >= UPDATE_SECONDS - _TOLERANCE
                return self._turn_info("Update") if due else ()
            case Ready():
                return self._connected()
            case Error():
                return self._error(output)
            case Interim() | Final():
                self._audio_time = output.audio_time
                return self._words(output)
            case TurnEagerEnd() | TurnResumed() | TurnEnd():
                self._audio_time = output.audio_time
                return self._end(output)
        return ()

    def _end(self, event: TurnEagerEnd | TurnResumed | TurnEnd) -> Sequence[str]:
        match event:
            case TurnEagerEnd(probability=probability, text=text):
                self._turn.eager = probability
                return self._turn_info("EagerEndOfTurn", text)
            case TurnResumed(probability=probability):
                self._turn.eager = None
                return self._turn_info("TurnResumed", confidence=probability)
        return self._turn_end(event)

    def _connected(self) -> Sequence[str]:
        connected = self._message("Connected")
        if not self._unserved:
            return (connected,)
        named = ", ".join(self._unserved)
        warning = f"this server does without {named}; the stream goes on as if it had not been asked for"
        return connected, self._message("Warning", code="UNSUPPORTED_PARAMETER", description=warning)

    def _words(self, event: Interim | Final) -> Sequence[str]:
        self._turn.add(event)
        if isinstance(event, Final):
            self._force_answered = event.finalize_id is not None
        return self._start_turn() if event.text else ()

    def _start_turn(self) -> Sequence[str]:
        """The start of a turn, which comes with its first words."""
        if self._turn.started:
            return ()
        self._turn.started = True
        return self._turn_info("StartOfTurn")

    def _turn_end(self, end: TurnEnd) -> Sequence[str]:
        if self._ends_with_stream(end):
            return self._turn_info("Update", end.text)
        trigger = "manual" if self._force_answered else "timeout" if self._timed_out(end) else "model"
        texts = self._turn_info("EndOfTurn", end.text, end.probability, trigger)
        self._turn = FluxTurn(self._turn.index + 1, end.audio_time)
        return texts

    def _timed_out(self, end: TurnEnd) -> bool:
        silence = end.audio_time - end.speech_end
        return end.probability == 1.0 and silence >= self._settings.timeout_ms / 1000 - _TOLERANCE

    def _ends_with_stream(self, end: TurnEnd) -> bool:
        # Deepgram's page on CloseStream: what was said comes in an Update, as nobody knows whether the turn is over.
        return self.ended and end.probability == 1.0 and not (self._force_answered or self._timed_out(end))

    def _turn_info(
        self, event: str, text: str | None = None, confidence: float | None = None, trigger: str | None = None
    ) -> Sequence[str]:
        turn, self._told_at = self._turn, self._audio_time
        values: dict[str, Any] = {
            "event": event,
            "turn_index": turn.index,
            "audio_window_start": round(turn.window_start, 4),
            "audio_window_end": round(self._audio_time, 4),
            "transcript": turn.text if text is None else text,
            "words": turn.words,
            "end_of_turn_confidence": turn.eager or 0.0 if confidence is None else confidence,
        }
        if trigger is not None:
            values["trigger"] = trigger
        if self._model == MULTILINGUAL:
            values |= {"languages": turn.languages} if turn.languages else {}
            hints = self._settings.language_hints
            values |= {"languages_hinted": list(hints)} if hints else {}
        return (self._message("TurnInfo", **values),)

    def _answer_configure(self, old: FluxSettings, new: FluxSettings) -> str:
        refused, self._refused = self._refused, None
        if refused is not None:
            self._settings = old if self._settings is new else self._settings
            return self._configure_failure(refused.code, refused.message)
        thresholds = {
            "eot_threshold": new.eot_threshold,
            "eager_eot_threshold": new.eager_eot_threshold,
            "eot_timeout_ms": new.timeout_ms,
        }
        values: dict[str, Any] = {"thresholds": thresholds, "keyterms": list(new.keyterms), "numerals": new.numerals}
        if self._model == MULTILINGUAL:
            values["language_hints"] = list(new.language_hints)
        return self._message("ConfigureSuccess", **values)

    def _configure_failure(self, code: str, description: str) -> str:
        # Deepgram's own types have `code`; Pipecat 1.14 reads `error_code`.
        named = code.upper()
        return self._message("ConfigureFailure", code=named, error_code=named, description=description)

    def _error(self, error: Error) -> Sequence[str]:
        if error.code in _REFUSES_UPDATE and not error.fatal:
            self._refused = error
            return ()
        kind = "Error" if error.fatal else "Warning"
        code = _CODES.get(error.code, error.code.upper())
        return (self._message(kind, code=code, description=error.message),)

    def _message(self, kind: str, **values: Any) -> str:
        text = to_json({"type": kind, "request_id": self._request_id, "sequence_id": self._sequence, **values})
        self._sequence += 1
        return text

    def close_code(self, code: str | None) -> int:
        """As `Dialect.close_code`."""
        return close_code(code)
