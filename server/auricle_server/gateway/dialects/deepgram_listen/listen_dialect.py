"""One client's end of a listen socket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Finalize, Update
from auricle.protocol.server_messages import Error, Interim, KeytermsInForce, Ready, SpeechStarted, TurnEnd
from auricle.protocol.server_messages import Final as FinalEvent
from auricle.protocol.settings import InvalidMessage, TextFormat
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.dialects.deepgram_listen.query import ListenOptions
from auricle_server.gateway.dialects.deepgram_listen.results import ListenRequest, ListenResults, Message
from auricle_server.gateway.dialects.deepgram_listen.writing import changed
from auricle_server.gateway.session.deepgram_requests import close_code
from auricle_server.gateway.session.dialect import AudioProgress, EndAnswered, Input, KeepAlive, Output, Reply
from auricle_server.gateway.session.formats.deepgram_audio import DeepgramSamples

_REASONS: Final = {codes.IDLE_TIMEOUT: "NET-0001"}
_UNAVAILABLE: Final = "CONFIGURE_INTERNAL_ERROR"
_CONFIGURE_CODES: Final = {
    codes.UNSUPPORTED_KEYTERMS: "CONFIGURE_KEYTERMS_NOT_SUPPORTED",
    codes.INVALID_KEYTERMS: "CONFIGURE_KEYTERM_LIMIT_EXCEEDED",
    codes.NO_ROOM_FOR_KEYTERMS: "CONFIGURE_KEYTERM_LIMIT_EXCEEDED",
}


@dataclass(slots=True)
class ChannelCount:
    """The channels of a connection.

    Attributes:
        all: Number of them.
        open: Those that have not ended; after the last one comes the `Metadata`.
    """

    all: int
    open: int


class ListenDialect:
    """Deepgram's live messages.

    Args:
        options: How its audio comes and its results are told.
        text_format: How its words are written.
        request: The connection.
        channel: The one whose stream this is, from 0.
        count: Of the streams of the connection; None for one.

    Raises:
        BadRequest: The server cannot decode containers.
    """

    name = "deepgram"
    follows_audio = True

    def __init__(
        self,
        options: ListenOptions,
        text_format: TextFormat,
        request: ListenRequest,
        channel: int = 0,
        count: ChannelCount | None = None,
    ) -> None:
        self.ended = False
        self._options = options
        self._text_format = text_format
        self._request = request
        self._results = ListenResults(request, punctuated=options.punctuated, many_languages=options.many_languages)
        self._count = count or ChannelCount(1, 1)
        self._results.channel = channel, self._count.all
        self._samples = DeepgramSamples(options.audio, channel)
        self._sha256 = hashlib.sha256()
        self._finalizes = 0
        self._configuring: tuple[str, ...] | None = None
        """The key terms of a `Configure` that is not answered yet."""
        self._final: FinalEvent | None = None
        """A final that waits for what follows it: the end of its turn, or something else."""
        self._sealed = 0.0
        """Seconds up to which all is final."""
        self._open = False
        """Whether words were told that are not final."""
        self._last_word_end: float | None = None
        """End of the last word, while the end of its utterance is still to be told."""

    # --- from the client ---------------------------------------------------------------------------------------------

    def receive_text(self, text: str) -> Sequence[Input]:
        """As `Dialect.receive_text`; a message that cannot be read is answered, and the stream goes on."""
        if self.ended:
            return ()
        message = _parsed(text)
        match message.get("type"):
            case "KeepAlive":
                return (KeepAlive(),)
            case "Finalize":
                self._finalizes += 1
                return (Finalize(f"f{self._finalizes}"),)
            case "CloseStream":
                return self._end()
            case "Configure":
                return self._configure(message)
        return (self._schema_error("expected an object whose type is KeepAlive, Finalize, CloseStream or Configure"),)

    def _schema_error(self, why: str) -> Reply:
        description = f"Could not read the text message: {why}."
        return _reply({"type": "Error", "variant": "SchemaError", "description": description, "message": why})

    def _configure(self, message: Mapping[str, Any]) -> Sequence[Input]:
        keyterms, features = message.get("keyterms"), message.get("features")
        if self._configuring is not None:
            pending = "another Configure is not answered yet"
            return (_reply(self._configure_failure("CONFIGURE_ALREADY_PENDING", pending)),)
        written = changed(self._text_format, features) if isinstance(features, dict) else None
        try:
            terms = tuple(keyterms) if isinstance(keyterms, list) else keyterms
            update = Update(keyterms=terms, text_format=written)
        except InvalidMessage as invalid:
            return (self._schema_error(str(invalid)),)
        self._text_format = written or self._text_format
        self._configuring = update.keyterms
        # New key terms are answered when they are in force.
        return (update,) if update.keyterms is not None else (update, _reply(self._configure_success()))

    def _configure_success(self) -> Message:
        return {"type": "ConfigureSuccess", "request_id": self._request.request_id}

    def _configure_failure(self, code: str, description: str) -> Message:
        named = {"request_id": self._request.request_id, "code": code, "description": description}
        return {"type": "ConfigureFailure", **named}

    def receive_audio(self, data: bytes) -> bytes:
        """As `Dialect.receive_audio`; a message may end within a sample."""
        if self.ended:
            return b""
        self._sha256.update(data)
        return self._samples.push(data)

    def _end(self) -> Sequence[Input]:
        self.ended = True
        rest = self._samples.flush()
        return (AudioReceived(rest), End()) if rest else (End(),)

    # --- to the client -----------------------------------------------------------------------------------------------

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`; a final waits for what comes right after it, which may be the end of its turn."""
        messages = self._speech_ended(output) if isinstance(output, TurnEnd) else self._release(speech_final=False)
        match output:
            case Ready():
                self._results.model = output.model
            case Interim():
                messages += self._interim(output)
            case FinalEvent():
                self._final = output
            case SpeechStarted() if self._options.vad_events:
                channel = list(self._results.channel)
                messages.append({"type": "SpeechStarted", "channel": channel, "timestamp": output.start})
            case AudioProgress():
                messages += self._utterance_end(output.audio_time)
            case KeytermsInForce():
                messages += self._configured(output)
            case Error():
                messages += self._error(output)
            case EndAnswered():
                messages += self._end_channel(output.audio_time)
        return [_text(message) for message in messages]

    def _interim(self, interim: Interim) -> list[Message]:
        self._open, self._last_word_end = True, interim.end
        return [self._results.interim(interim, self._sealed)] if self._options.interim_results else []

    def _release(self, *, speech_final: bool) -> list[Message]:
        final, self._final = self._final, None
        if final is None:
            return []
        start, self._sealed = self._sealed, max(self._sealed, final.end, final.settled)
        self._open = False
        if final.text:
            self._last_word_end = final.end
        return [self._results.final(final, start, self._sealed, speech_final=speech_final)]

    def _speech_ended(self, end: TurnEnd) -> list[Message]:
        if not self._options.ends_utterances:
            return self._release(speech_final=False)
        if self._final is not None:
            return self._release(speech_final=True)
        self._sealed = max(self._sealed, end.speech_end)
        return [self._results.speech_ended(self._sealed)]

    def _utterance_end(self, audio_time: float) -> list[Message]:
        end, longest = self._last_word_end, self._options.utterance_end
        if end is None or longest is None or self._open or audio_time - end < longest:
            return []
        self._last_word_end = None
        return [{"type": "UtteranceEnd", "channel": list(self._results.channel), "last_word_end": end}]

    def _configured(self, event: KeytermsInForce) -> list[Message]:
        # The terms of the request may come into force meanwhile.
        if self._configuring is None or len(self._configuring) != event.count:
            return []
        keyterms, self._configuring = list(self._configuring), None
        return [{**self._configure_success(), "keyterms": keyterms}]

    def _error(self, error: Error) -> list[Message]:
        if error.fatal:
            reason = _REASONS.get(error.code, "NET-0000" if error.fault == "server" else "DATA-0000")
            named = {"variant": reason, "description": error.message, "message": error.code}
            return [{"type": "Error", **named}]
        if self._configuring is None or error.code not in _CONFIGURE_CODES:
            return []
        self._configuring = None
        return [self._configure_failure(_CONFIGURE_CODES.get(error.code, _UNAVAILABLE), error.message)]

    def _end_channel(self, audio_time: float) -> list[Message]:
        self._count.open -= 1
        return [] if self._count.open else [self._metadata(audio_time)]

    def _metadata(self, audio_time: float) -> Message:
        return {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self._request.request_id,
            "sha256": self._sha256.hexdigest(),
            "created": self._request.created,
            "duration": round(audio_time, 4),
            "channels": self._results.channel[1],
        }

    def close_code(self, code: str | None) -> int:
        """As `Dialect.close_code`."""
        return close_code(code)


_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _parsed(text: str) -> Mapping[str, Any]:
    """The object in a text; an empty one where there is none."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):  # the latter from deep nesting
        return {}
    return message if isinstance(message, dict) else {}


def _text(message: Message) -> str:
    return _to_json(message)


def _reply(message: Message) -> Reply:
    return Reply(_text(message))
