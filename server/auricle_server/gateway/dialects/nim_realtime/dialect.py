"""One client's end of NIM's realtime transcription.

Source: nvidia-riva-client 2.28, ``riva/client/realtime.py``, and NVIDIA's reference of the realtime API of its ASR NIM.

The names of the events are OpenAI's, and what they mean is Riva's: the server ends utterances, a ``commit`` comes with
each piece of audio, and a ``delta`` is the whole text of the utterance so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from auricle.protocol import codes
from auricle.protocol.client_messages import End, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Error, Final, Interim, Limits
from auricle.protocol.settings import InvalidMessage, brief, require
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.dialects.nim_realtime.transcription_session import TranscriptionSession
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.client_json import JsonObject, parse_object, to_json
from auricle_server.gateway.session.dialect import (
    ChooseModel,
    EndAnswered,
    EndTurn,
    Input,
    LateReply,
    Output,
    native_close_code,
)
from auricle_server.gateway.session.formats.riva_audio import RivaAudio
from auricle_server.gateway.session.formats.riva_settings import RivaSettings
from auricle_server.gateway.session.openai_errors import REFUSES_UPDATE, error_object
from auricle_server.model_info import ModelInfo
from auricle_server.text.plain_text import plain

UPDATE = "transcription_session.update"
_BUFFER = "input_audio_buffer"
_TRANSCRIPTION = "conversation.item.input_audio_transcription"


class NimDialect:
    """One client.

    Args:
        session_id: Names the session, and its events and items.
        model: The one of the stream, unless the client names another in its first update.
        limits: Of the stream.
    """

    name = "nim_realtime"
    follows_audio = False

    def __init__(self, session_id: str, model: ModelInfo, limits: Limits) -> None:
        self.ended = False
        self._session_id = session_id
        self._model = model
        self._limits = limits
        self._session = TranscriptionSession.default(model)
        self._settings = self._session.settings(model, limits)
        """Those that are in force for what is told now."""
        self._audio: RivaAudio | None = None
        """None before the stream starts."""
        self._forced = self._events = 0
        self._items = 1
        self._refused: Error | None = None
        self._last: Final | None = None
        """After the end of the audio, a final that may be the last one."""

    def greeting(self) -> str:
        """The first event, for which clients wait."""
        return self._event(
            "conversation.created", conversation={"id": self._session_id, "object": "realtime.conversation"}
        )

    # --- from the client ---------------------------------------------------------------------------------------------

    def receive_text(self, text: str) -> Sequence[Input]:
        """As `Dialect.receive_text`. What is wrong is answered, and the conversation goes on."""
        if self.ended:
            return ()
        try:
            return self._receive(parse_object(text))
        except ProtocolViolation as violation:
            return (self._later(self._error, violation.code, violation.message),)
        except InvalidMessage as invalid:
            return (self._later(self._error, codes.INVALID_FIELD, str(invalid), invalid.field),)
        except BadRequest as refusal:
            return (self._later(self._error, refusal.code, refusal.message),)

    def _receive(self, message: JsonObject) -> Sequence[Input]:
        match message.text("type"):
            case "input_audio_buffer.append":
                return self._append(message)
            case "input_audio_buffer.commit":
                return (self._later(self._committed),)
            case "input_audio_buffer.clear":
                return (self._later(self._event, f"{_BUFFER}.cleared"),)
            case "input_audio_buffer.done":
                first = self._first()
                self.ended = True
                return *first, End()
            case "transcription_session.update":
                return self._update(message.nested("session") or JsonObject({}))
        kind = brief(message.values.get("type"))
        raise ProtocolViolation(codes.UNKNOWN_MESSAGE, f"this server transcribes; it knows no event of the type {kind}")

    def _append(self, message: JsonObject) -> Sequence[Input]:
        data = message.audio("audio")
        inputs = [*self._first()]
        assert self._audio is not None, "the stream has started"
        if pcm := self._audio.push(data):
            inputs.append(AudioReceived(pcm))
        runtime = message.nested("runtime_config") or JsonObject({})
        if str(runtime.values.get("force_eou", "")).lower() == "true":
            self._forced += 1
            inputs.append(EndTurn(f"force_eou {self._forced}"))
        return inputs

    def _first(self) -> Sequence[Input]:
        """The start of the stream, unless it has started."""
        if self._audio is not None:
            return ()
        self._settings = settings = self._session.settings(self._model, self._limits)
        self._audio = RivaAudio(settings)
        return (settings.start,)

    def _update(self, session: JsonObject, *, chosen: bool = False) -> Sequence[Input]:
        old, new = self._session, self._session.changed(session)
        if self._audio is None and not chosen and (name := new.model) not in {"", self._model.name}:
            return (ChooseModel(name, partial(self._begin, session)),)
        settings = new.settings(self._model, self._limits)
        change = self._first_or_change(new, old.settings(self._model, self._limits), settings)
        self._session = new
        return *change, LateReply(partial(self._answer_update, old, new, settings))

    def _begin(self, session: JsonObject, model: ModelInfo) -> Sequence[Input]:
        """The first update of a client that has named a model, which its stream now has."""
        if model != self._model:
            self._model, self._session = model, TranscriptionSession.default(model)
        try:
            return self._update(session, chosen=True)
        except InvalidMessage as invalid:
            return (self._later(self._error, codes.INVALID_FIELD, str(invalid), invalid.field),)
        except BadRequest as refusal:
            return (self._later(self._error, refusal.code, refusal.message),)

    def _first_or_change(self, new: TranscriptionSession, before: RivaSettings, after: RivaSettings) -> Sequence[Input]:
        if self._audio is None:
            self._session = new
            return self._first()
        old, start = before.start, after.start
        same = (old.encoding, old.sample_rate, before.channels) == (start.encoding, start.sample_rate, after.channels)
        require(same, "input_audio_params", "the audio stays as it was when it began; open another connection")
        return (
            Update(
                latency_ms=None if start.latency_ms == old.latency_ms else start.latency_ms,
                language=None if start.language == old.language else start.language,
                turn=None if start.turn == old.turn else start.turn,
                keyterms=None if start.keyterms == old.keyterms else start.keyterms,
                text_format=None if start.text_format == old.text_format else start.text_format,
            ),
        )

    def receive_audio(self, data: bytes) -> bytes:  # noqa: ARG002
        """As `Dialect.receive_audio`: the format has no binary messages."""
        raise ProtocolViolation(codes.BAD_AUDIO, "audio goes as base64 into input_audio_buffer.append")

    # --- to the client -----------------------------------------------------------------------------------------------

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`; after the end of the audio, a final waits for what shows whether it is the last."""
        match output:
            case Interim():
                return *self._release(), self._delta(output.text)
            case Final():
                return *self._release(), *self._final(output)
            case Error():
                return *self._release(), *self._tell_error(output)
            case EndAnswered():
                return (self._completed(self._last, output.audio_time, last=True),)
        return ()

    def _release(self) -> Sequence[str]:
        kept, self._last = self._last, None
        return () if kept is None else (self._completed(kept, kept.audio_time),)

    def _delta(self, text: str) -> str:
        shown = text if self._settings.punctuated else plain(text)
        return self._event(f"{_TRANSCRIPTION}.delta", item_id=self._item(), content_index=0, delta=shown)

    def _final(self, final: Final) -> Sequence[str]:
        if not final.text and final.finalize_id is None:
            return ()
        if self.ended:
            self._last = final
            return ()
        return (self._completed(final, final.audio_time),)

    def _completed(self, final: Final | None, audio_time: float, *, last: bool = False) -> str:
        item, punctuated = self._item(), self._settings.punctuated
        self._items += 1
        words = () if final is None or not self._settings.words else final.words
        listed = [
            {
                "word": word.text if punctuated else plain(word.text),
                "start_time": round(word.start * 1000),
                "end_time": round(word.end * 1000),
                "confidence": round(word.confidence, 4),
                "speaker_tag": 0,
            }
            for word in words
        ]
        text = "" if final is None else final.text
        return self._event(
            f"{_TRANSCRIPTION}.completed",
            item_id=item,
            content_index=0,
            transcript=text if punctuated else plain(text),
            is_last_result=last,
            words_info={"words": listed},
            usage={"type": "duration", "seconds": round(audio_time, 3)},
        )

    def _committed(self) -> str:
        before = self._item(-1) if self._items > 1 else None
        return self._event(f"{_BUFFER}.committed", item_id=self._item(), previous_item_id=before)

    def _answer_update(self, old: TranscriptionSession, new: TranscriptionSession, settings: RivaSettings) -> str:
        refused, self._refused = self._refused, None
        if refused is not None:
            self._session = old if self._session is new else self._session
            return self._error(refused.code, refused.message)
        self._settings = settings
        return self._event("transcription_session.updated", session=new.as_object(self._session_id))

    def _tell_error(self, error: Error) -> Sequence[str]:
        if not error.fatal:
            self._refused = error if error.code in REFUSES_UPDATE else self._refused
            return ()
        return (self._error(error.code, error.message),)

    def _error(self, code: str, message: str, param: str | None = None) -> str:
        return self._event("error", error=error_object(code, message, status=400, param=param))

    def _event(self, kind: str, **values: Any) -> str:
        self._events += 1
        return to_json({"event_id": f"event_{self._session_id[-12:]}_{self._events}", "type": kind, **values})

    def _item(self, offset: int = 0) -> str:
        """The name of the utterance that is open, or of one before it."""
        return f"item_{self._session_id[-12:]}_{self._items + offset}"

    @staticmethod
    def _later(make: Callable[..., str], *values: Any) -> LateReply:
        return LateReply(partial(make, *values))

    def close_code(self, code: str | None) -> int:
        """As `Dialect.close_code`."""
        return native_close_code(code)
