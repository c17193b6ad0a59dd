"""One client's end of OpenAI's realtime transcription.

Source: the types of the `openai` package, 3.57 (``types/realtime``), and OpenAI's guide to realtime transcription.

An ``error`` event ends a client's stream for good where the client is LiveKit's. So nothing is an error that the client
can do nothing about: after a fault of the server the connection closes without one, and the client connects again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from auricle.protocol import codes
from auricle.protocol.client_messages import SAMPLE_BYTES, Finalize
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Error, Final, Interim, Limits, SpeechStarted, TurnEnd
from auricle.protocol.settings import InvalidMessage, brief
from auricle.protocol.states import AudioReceived
from auricle_server.gateway.dialects.openai_realtime.items import RealtimeItem
from auricle_server.gateway.dialects.openai_realtime.realtime_config import LOGPROBS, RealtimeConfig
from auricle_server.gateway.dialects.openai_realtime.vllm_conversation import VllmConversation, is_vllm
from auricle_server.gateway.session.client_json import JsonObject, parse_object, to_json
from auricle_server.gateway.session.dialect import (
    AudioProgress,
    ChooseModel,
    EndTurn,
    Input,
    LateReply,
    Output,
    native_close_code,
)
from auricle_server.gateway.session.openai_errors import REFUSES_UPDATE, error_object
from auricle_server.model_info import ModelInfo

_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_COMMIT, _CLEAR = "commit", "clear"


class RealtimeDialect:
    """One client.

    Args:
        session_id: Names the session, and its events and items.
        config: Of the session before its first update.
        model: The one of the stream, unless the client names another in its first update.
        limits: Of the stream.
        older: Whether the client has asked for the older shape.
    """

    name = "openai_realtime"
    follows_audio = True
    ended = False  # a client says that no more audio comes by closing the connection
    close_code = staticmethod(native_close_code)

    def __init__(
        self, session_id: str, config: RealtimeConfig, model: ModelInfo | None, limits: Limits, *, older: bool
    ) -> None:
        self._session_id = session_id
        self._config = config
        self._model = model
        self._limits = limits
        self._older = older
        self._started = False
        self._vllm: VllmConversation | None = None
        """What the client speaks instead, if its first message is one of vLLM's."""
        self._rest = b""
        self._numbers = {"event": 0, "item": 0, _COMMIT: 0, _CLEAR: 0}
        self._audio_time = 0.0
        self._detects_turns = config.detects_turns
        """Whether the events that are told now come with turn detection."""
        self._item = self._new_item()
        self._committed: deque[RealtimeItem] = deque()
        """Items that the client has committed and whose words are not final yet."""
        self._last_committed: str | None = None
        self._unanswered = 0
        """Commits within turn detection whose words are final, and for which no turn has ended yet."""
        self._clears = False
        """Whether the last final has answered a ``clear``."""
        self._refused: Error | None = None
        """Why the last update was refused."""

    def greeting(self) -> str:
        """The first event, for which clients wait."""
        kind = "transcription_session.created" if self._older else "session.created"
        return self._event(kind, session=self._config.as_session(self._session_id, older=self._older))

    # --- from the client ---------------------------------------------------------------------------------------------

    def receive_text(self, text: str) -> Sequence[Input]:
        """As `Dialect.receive_text`. What is wrong is answered, and the conversation goes on."""
        event_id: str | None = None
        try:
            message = parse_object(text)
            if not self._started and is_vllm(message):
                self._started = True
                return self._begin_vllm(message)
            if self._vllm is not None:
                return self._vllm.receive(message)
            event_id = message.text("event_id")
            return self._receive(message)
        except ProtocolViolation as violation:
            if self._vllm is not None:
                return (self._vllm.refuse(violation.code, violation.message),)
            return (self._later(self._error, violation.code, violation.message, event_id),)
        except InvalidMessage as error:
            return (self._later(self._error, "invalid_value", str(error), event_id, error.field),)

    def _begin_vllm(self, message: JsonObject) -> Sequence[Input]:
        def begin(model: ModelInfo | None) -> Sequence[Input]:
            self._vllm = VllmConversation.of(self._config, model)
            return self._vllm.receive(message)

        # At once as well: it words what is wrong.
        inputs, name = begin(self._model), message.text("model")
        return (ChooseModel(name, begin, self._config.latency_ms),) if name else inputs

    def _receive(self, message: JsonObject) -> Sequence[Input]:
        match message.text("type"):
            case "input_audio_buffer.append":
                return self._append(message)
            case "session.update" | "transcription_session.update" as update:
                self._older = update == "transcription_session.update"
                return self._update(message.nested("session") or JsonObject({}))
            case "input_audio_buffer.commit":
                return self._commit()
            case "input_audio_buffer.clear":
                clear = EndTurn(self._number(_CLEAR))
                return *self._first(), clear, self._later(self._event, "input_audio_buffer.cleared")
        kind = brief(message.values.get("type"))
        raise ProtocolViolation(codes.UNKNOWN_MESSAGE, f"this server transcribes; it knows no event of the type {kind}")

    def _append(self, message: JsonObject) -> Sequence[Input]:
        data = self._rest + message.audio("audio")
        sample_bytes = SAMPLE_BYTES[self._config.encoding]
        whole = len(data) // sample_bytes * sample_bytes
        self._rest = data[whole:]
        return (*self._first(), AudioReceived(data[:whole])) if whole else ()

    def _first(self) -> Sequence[Input]:
        """The start of the stream of a client that has sent no update."""
        if self._started:
            return ()
        self._started = True
        return (self._config.start(self._model, self._limits),)

    def _update(self, session: JsonObject) -> Sequence[Input]:
        old = self._config
        new = old.changed(session)
        change: Input = new.update(old, self._model, self._limits) if self._started else self._begin(new)
        self._config, self._started = new, True
        return change, LateReply(partial(self._answer_update, old, new, older=self._older))

    def _begin(self, config: RealtimeConfig) -> Input:
        start, begin = config.start(self._model, self._limits), partial(self._begin_with, config)
        return ChooseModel(config.model, begin, start.latency_ms) if config.model else start

    def _begin_with(self, config: RealtimeConfig, model: ModelInfo) -> Sequence[Input]:
        self._model = model
        return (config.start(model, self._limits),)

    def _commit(self) -> Sequence[Input]:
        commit = self._number(_COMMIT)
        if self._config.detects_turns:
            return *self._first(), EndTurn(commit)
        return *self._first(), Finalize(commit), self._later(self._on_committed)

    def receive_audio(self, data: bytes) -> bytes:  # noqa: ARG002
        """As `Dialect.receive_audio`: the format has no binary messages."""
        raise ProtocolViolation(codes.BAD_AUDIO, "audio goes as base64 into input_audio_buffer.append")

    # --- to the client -----------------------------------------------------------------------------------------------

    def encode(self, output: Output) -> Sequence[str]:
        """As `Dialect.encode`."""
        if self._vllm is not None:
            return self._vllm.encode(output)
        match output:
            case AudioProgress(seconds):
                self._audio_time = seconds
                return self._answer_commits()
            case Error():
                return self._tell_error(output)
            case SpeechStarted() | Interim() | Final() | TurnEnd():
                self._audio_time = output.audio_time
                return self._tell(output)
        return ()

    def _tell(self, event: SpeechStarted | Interim | Final | TurnEnd) -> Sequence[str]:
        match event:
            case SpeechStarted():
                return self._start_turn(event) if self._detects_turns else ()
            case TurnEnd():
                return self._end_turn()
            case Interim():
                return self._delta(event)
        return self._final(event)

    def _final(self, final: Final) -> Sequence[str]:
        kind, _, _ = (final.finalize_id or "").partition(" ")
        if kind == _CLEAR:
            self._open_item.forget()
            self._clears = True
            return ()
        texts = self._delta(final)
        if kind == _COMMIT and self._committed:
            return *texts, self._completed(self._committed.popleft())
        self._unanswered += kind == _COMMIT
        return texts

    @property
    def _open_item(self) -> RealtimeItem:
        """The one to which words belong that come now."""
        return self._committed[0] if self._committed else self._item

    def _delta(self, event: Interim | Final) -> Sequence[str]:
        item = self._open_item
        delta = item.settle(event)
        return (self._event(f"{_TRANSCRIPTION}.delta", item_id=item.id, content_index=0, delta=delta),) if delta else ()

    def _start_turn(self, event: SpeechStarted) -> Sequence[str]:
        self._item.started = True
        start_ms = round(event.start * 1000)
        return (self._event("input_audio_buffer.speech_started", item_id=self._item.id, audio_start_ms=start_ms),)

    def _end_turn(self) -> Sequence[str]:
        self._unanswered = max(0, self._unanswered - 1)
        item = self._item
        end_ms = round(self._audio_time * 1000)
        stopped = self._event("input_audio_buffer.speech_stopped", item_id=item.id, audio_end_ms=end_ms)
        if self._clears:
            self._item = self._new_item()
            return (stopped,)
        return stopped, self._take_item(), self._completed(item)

    def _answer_commits(self) -> Sequence[str]:
        """Commits that found no turn: whatever a client commits is completed."""
        texts: list[str] = []
        for _ in range(self._unanswered):
            item = self._item
            texts += [self._take_item(), self._completed(item)]
        self._unanswered, self._clears = 0, False
        return texts

    def _on_committed(self) -> str:
        """A commit without turn detection; its words follow."""
        self._committed.append(self._item)
        return self._take_item()

    def _take_item(self) -> str:
        """Ends the open item: words that come later belong to the next."""
        before, self._last_committed = self._last_committed, self._item.id
        self._item = self._new_item()
        return self._event("input_audio_buffer.committed", item_id=self._last_committed, previous_item_id=before)

    def _completed(self, item: RealtimeItem) -> str:
        values: dict[str, Any] = {"item_id": item.id, "content_index": 0, "transcript": item.text}
        values["usage"] = {"type": "duration", "seconds": round(max(0.0, self._audio_time - item.began), 3)}
        values |= {"languages": item.languages} if item.languages else {}
        values |= {"logprobs": item.logprobs} if LOGPROBS in self._config.include else {}
        return self._event(f"{_TRANSCRIPTION}.completed", **values)

    def _answer_update(self, old: RealtimeConfig, new: RealtimeConfig, *, older: bool) -> str:
        refused, self._refused = self._refused, None
        if refused is not None:
            self._config = old if self._config is new else self._config
            return self._error(refused.code, refused.message)
        self._detects_turns = new.detects_turns
        kind = "transcription_session.updated" if older else "session.updated"
        return self._event(kind, session=new.as_session(self._session_id, older=older))

    def _tell_error(self, error: Error) -> Sequence[str]:
        if not error.fatal:
            self._refused = error if error.code in REFUSES_UPDATE else self._refused
            return ()
        # The client connects again where another try may help; where none can, it must know why.
        if error.fault == "server" or error.code == codes.IDLE_TIMEOUT:
            return ()
        return (self._error(error.code, error.message),)

    def _error(self, code: str, message: str, event_id: str | None = None, param: str | None = None) -> str:
        error = error_object(code, message, status=400, param=param)
        return self._event("error", error={**error, "event_id": event_id})

    def _event(self, kind: str, **values: Any) -> str:
        return to_json({"type": kind, "event_id": self._number("event"), **values})

    @staticmethod
    def _later(make: Callable[..., str], *values: Any) -> LateReply:
        return LateReply(partial(make, *values))

    def _new_item(self) -> RealtimeItem:
        return RealtimeItem(self._number("item"), self._audio_time)

    def _number(self, kind: str) -> str:
        self._numbers[kind] += 1
        separator = " " if kind in {_COMMIT, _CLEAR} else "_"
        return separator.join((kind, self._session_id[-12:], str(self._numbers[kind])))
